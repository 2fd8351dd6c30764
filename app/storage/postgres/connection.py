"""Connections to Postgres, safe behind PgBouncer in transaction mode: no named statements, no state of a session."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg

from app import errors

logger = logging.getLogger("sessionmood.storage")

T = TypeVar("T")
#: asyncpg has no types; a connection of its own or one of the pool's.
Connection = Any

CONNECT_SECONDS: Final = 5.0
#: A statement that takes longer is cancelled.
STATEMENT_SECONDS: Final = 30.0
MAX_READERS: Final = 8
#: Connections that nobody used for so long are closed (s).
IDLE_SECONDS: Final = 60.0
#: Limits on the server's side (ms) of a transaction of several statements: a node that stands still in the middle of one
#: must not keep others waiting.
_LIMITS: Final = (
    "SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 10000; "
    "SET LOCAL idle_in_transaction_session_timeout = 10000"
)
#: What is wrong with what was to be written, by the first two characters of the SQLSTATE: bad data, a violated
#: constraint, a limit of the server's.
_OF_THE_DATA: Final = ("22", "23", "54")
#: What the driver says of a connection that is no good any more; the second where it was cut between two statements.
_OF_THE_LINE: Final = asyncpg.InterfaceError | asyncpg.InternalClientError


def is_environment(error: BaseException) -> bool:
    """Whether the server, the line or the rights are at fault, rather than what was to be written."""
    if isinstance(error, asyncpg.PostgresError):  # the client's own look at a value is one too
        return str(error.sqlstate)[:2] not in _OF_THE_DATA
    return isinstance(error, _OF_THE_LINE | OSError | TimeoutError | MemoryError)


def is_broken_line(error: BaseException) -> bool:
    """Whether the connection is gone, and another may well work."""
    gone = asyncpg.PostgresConnectionError | _OF_THE_LINE | ConnectionError
    return isinstance(error, gone | asyncpg.exceptions.OperatorInterventionError)


def unavailable(what: str, error: BaseException, retry_ms: int = 1000) -> errors.StorageUnavailable:
    text = str(error) or type(error).__name__
    return errors.StorageUnavailable(f"{what}: {text}", retry_ms=retry_ms)


async def connect(url: str) -> Connection:
    """Raises what `is_environment` tells of."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        statement_cache_size=0,
        server_settings={"application_name": "sessionmood"},
    )


async def is_direct(connection: Connection) -> bool:
    """Whether every statement meets the same server process: PgBouncer makes up the number that it tells clients."""
    return bool(await connection.fetchval("SELECT pg_backend_pid()") == connection.get_server_pid())


@contextlib.asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """Everything or nothing, within `_LIMITS`."""
    async with connection.transaction():
        await connection.execute(_LIMITS)
        yield


class Pool:
    """Connections for what does not go through the queue of writes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=MAX_READERS,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=0,
            max_inactive_connection_lifetime=IDLE_SECONDS,
            reset=_nothing,
            server_settings={"application_name": "sessionmood"},
        )

    async def close(self, seconds: float) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(seconds):
                    await pool.close()
            except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                pool.terminate()

    async def run(self, work: Callable[[Connection], Awaitable[T]], what: str = "reading fails") -> T:
        """Run `work` on a connection; once more on another where the line was broken, so it must bear repetition. Raises
        StorageUnavailable."""
        try:
            return await self._run(work)
        except Exception as error:
            if not is_environment(error):
                raise
            if not is_broken_line(error) or self._pool is None:
                raise unavailable(what, error) from error
        await self._pool.expire_connections()  # one was cut: the others most likely too
        try:
            return await self._run(work)
        except Exception as error:
            if not is_environment(error):
                raise
            raise unavailable(what, error) from error

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        pool = self._pool
        if pool is None:
            raise errors.StorageUnavailable("the storage is closed")
        async with pool.acquire(timeout=CONNECT_SECONDS) as connection:
            return await work(connection)


async def _nothing(_: Connection) -> None:
    """Sessions have no state here, so there is none to reset."""
