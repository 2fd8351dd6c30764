"""One SQLite file, its connections and the threads they live in.

SQLite up to 3.51.2 can corrupt a write-ahead log when two connections write or checkpoint at once
(sqlite.org/wal.html#walresetbug), so exactly one connection of a process does either, all others are
`query_only` and never checkpoint, and a `Gate` keeps the writing connections of processes apart.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import aiosqlite

from app import errors
from app.storage.file_lock import Gate

T = TypeVar("T")

# How long a lock of somebody else (a shell, a command beside the server) is waited for.
BUSY_SECONDS = 2.0
# The hot commit alone has a statement per table and size of insert.
CACHED_STATEMENTS = 256
# Kept in memory per connection (KiB, negative as SQLite wants it): the hot pages of a million sessions.
CACHE_KIB = -65536


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs whole functions in its thread: a transaction is then one hop of
    50-90 us instead of one per statement, and a cancelled await cannot leave it half done."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], gate: Gate | None = None) -> None:
        self._gate = contextlib.nullcontext() if gate is None else gate
        self._connect_again = connect
        super().__init__(self._connected, 64)
        self.broken = False  # set by whoever saw an error that may be the connection's own
        # A disk that hangs in a write must not keep the process from exiting.
        self._thread.daemon = True

    def start(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run `work` in the thread, after what was started before. Cancelling the future does not stop it.
        A connection marked `broken` is opened anew first."""
        if not self._running or self._connection is None:
            raise errors.StorageUnavailable("the storage is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(self._do, work)))
        return future

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self.start(work)

    def _connected(self) -> sqlite3.Connection:
        with self._gate:
            return self._connect_again()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._gate:
            return work(self._working())

    def _working(self) -> sqlite3.Connection:
        if self.broken:
            with contextlib.suppress(sqlite3.Error):
                self._conn.close()
            self._connection = self._connect_again()
            self.broken = False
        return self._conn


def writing(path: str) -> Callable[[], sqlite3.Connection]:
    """Connects the one that writes and checkpoints."""

    def connect() -> sqlite3.Connection:
        _make_private(path)
        connection = _connect(path)
        with _closed_on_error(connection):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            # Checkpoints are ours to place: SQLite's own come within a commit and stall it for 25-130 ms.
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    return connect


def reading(path: str) -> Callable[[], sqlite3.Connection]:
    """Connects one that only reads: never waits for a commit, never makes one wait."""

    def connect() -> sqlite3.Connection:
        connection = _connect(path)
        with _closed_on_error(connection):
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    return connect


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin and end where this code says so
        check_same_thread=False,  # the thread is aiosqlite's
        cached_statements=CACHED_STATEMENTS,
    )
    with _closed_on_error(connection):
        connection.execute(f"PRAGMA cache_size = {CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection):  # type: ignore[no-untyped-def]
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _make_private(path: str) -> None:
    """The file holds the secrets that sign tokens: readable by its owner only. SQLite gives the files beside
    it (-wal, -shm) the same mode. An existing file is never opened here: closing it would drop SQLite's locks
    on it (POSIX locks belong to the process)."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for name in (path, path + "-wal", path + "-shm"):
            with contextlib.suppress(OSError):
                if os.stat(name).st_mode & 0o077:
                    os.chmod(name, 0o600)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}: {path}") from error
