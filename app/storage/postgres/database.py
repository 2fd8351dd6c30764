"""Storage in Postgres: for several servers on the same sessions, or one. The promises are those of `Storage`."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from app import errors
from app.storage import (
    Batch,
    Damage,
    ElementRow,
    HistoryRow,
    Key,
    Lagging,
    MoodChange,
    ProducerState,
    SessionRow,
    Stored,
)
from app.storage.cursor import Filters, Position
from app.storage.damage import Damages, Found
from app.storage.migrations import migrate_postgres
from app.storage.postgres import jobs, partitions, reads
from app.storage.postgres.commit import Writer
from app.storage.postgres.connection import (
    Connection,
    Pool,
    connect,
    is_environment,
    transaction,
    unavailable,
)
from app.storage.postgres.epoch import read_epoch
from app.storage.postgres.nodes import BEAT_SECONDS, Node
from app.storage.queue import Group, Outcome, WriteQueue
from app.storage.queued import CLOSE_SECONDS, Queued

T = TypeVar("T")
logger = logging.getLogger("sessionmood.storage")

#: Partitions are looked after this often (s).
PARTITIONS_EVERY: Final = 3600.0
#: Sessions of a day go together with its partition. Until then those past their keep-by date are kept, for so long (ms)
#: at most: one by one they would cost as much to delete as they did to write.
DAY_SLACK_MS: Final = 2 * 86_400_000
_REQUESTS_AT_ONCE: Final = 100


class PostgresStorage(Queued):
    """`server`: "sole" for the only server, "node" for one of several, "" for a command beside them.

    `max_queued_bytes`, `retry_scale`: as `SQLiteStorage` has them. `day_slack_ms`: DAY_SLACK_MS."""

    def __init__(
        self,
        url: str,
        *,
        server: str = "",
        max_queued_bytes: int = 64 * 1024 * 1024,
        retry_scale: float = 1.0,
        day_slack_ms: int = DAY_SLACK_MS,
    ) -> None:
        super().__init__()
        self.url = url
        self.sole = server != "node"
        self._node = Node(server == "sole") if server else None
        self._writer_id = secrets.randbits(62) if self._node is None else self._node.id
        self._max_queued_bytes = max_queued_bytes
        self._retry_scale = retry_scale
        self._day_slack_ms = day_slack_ms
        self._pool = Pool(url)
        self._days = partitions.Days()
        self._writer: Writer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._usurped: errors.StorageUnavailable | None = None
        self._open = False

    async def open(self) -> None:
        try:
            self._writer = await self._connect()
            await self._pool.open()
            if self._node is not None:
                await self._pool.run(self._node.register)
                self.epoch = await self._pool.run(read_epoch)
                await self._pool.run(jobs.forget_quarantine)
                await self._pool.run(partitions.make_ahead)
            self._secrets["cursor"] = await self._pool.run(lambda c: jobs.make_secret(c, "cursor"))
        except BaseException as error:
            await self._release()
            if is_environment(error):
                raise unavailable("cannot open the database", error) from error
            raise
        self.queue = WriteQueue(self._write, max_bytes=self._max_queued_bytes, retry_scale=self._retry_scale)
        self.damage = Damages(self._keep_damage)
        self._open = True
        if self._node is not None:
            self._tasks = [
                asyncio.create_task(self._beat(self._node), name="heartbeat"),
                asyncio.create_task(self._look_after_partitions(), name="partitions"),
            ]

    async def close(self) -> None:
        """Waits at most CLOSE_SECONDS for a database that fails; what was acked is kept in any case."""
        if not self._open:
            return
        self._open = False
        self.queue.closed = True
        try:
            await self._drain(CLOSE_SECONDS)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._node is not None:
                with contextlib.suppress(errors.SessionMoodError):
                    await self._pool.run(self._node.leave)
            await self._release()

    async def _release(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                await writer.close(CLOSE_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                writer.terminate()
        await self._pool.close(CLOSE_SECONDS)

    # Writing

    async def _connect(self) -> Writer:
        connection = await connect(self.url)
        try:
            await migrate_postgres(connection)
            writer = Writer(connection, self._writer_id)
            await writer.prepare()
        except BaseException:
            connection.terminate()
            raise
        return writer

    def _write(self, group: Group) -> "asyncio.Future[Outcome]":
        return asyncio.ensure_future(self._commit(group))

    async def _commit(self, group: Group) -> Outcome:
        if self._usurped is not None:
            raise self._usurped
        writer = self._writer
        if writer is None or writer.is_closed:
            writer = self._writer = await self._connect()
        try:
            return await writer.write(group)
        except BaseException:
            # Whatever it was: nobody knows what the connection is in the middle of.
            writer.terminate()
            raise

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """A write that does not wait for the entries before it, in a transaction of its own."""

        async def run(connection: Connection) -> T:
            async with transaction(connection):
                return await work(connection)

        return await self._pool.run(run, "writing fails")

    def _keep_damage(self, damage: Damage) -> "asyncio.Future[Any]":
        return asyncio.ensure_future(self._run(lambda c: jobs.insert_damage(c, damage)))

    async def _read_all(self, work: Callable[[Connection, list[Found]], Awaitable[T]]) -> T:
        """As `Pool.run`, for what may pass over items that cannot be read."""
        damages: list[Found] = []
        result = await self._pool.run(lambda c: work(c, damages))
        self.damage.report_all(damages)
        return result

    async def _beat(self, node: Node) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._pool.run(node.beat)
                self._usurped = None
            except errors.StorageUnavailable as error:
                if "taken this database over" in error.detail and self._usurped is None:
                    self._usurped = error
                    logger.error("%s; nothing is written any more, and nothing acked", error.detail)
            except Exception:
                logger.exception("the heartbeat failed; the next one comes soon")

    async def _look_after_partitions(self) -> None:
        while True:
            await asyncio.sleep(PARTITIONS_EVERY)
            try:
                await self._pool.run(partitions.make_ahead)
            except errors.StorageUnavailable:
                pass  # its rows go to the catch-all meanwhile
            except Exception:
                logger.exception("partitions could not be made ahead; the next try comes in an hour")

    # Sessions

    async def load(self, project: str, session: str) -> Stored | None:
        """Waits for an erasure of the session that is under way here."""
        await self._until_erased((project, session))
        return await self._read_all(lambda c, found: reads.read_stored(c, project, session, found))

    async def due(self, before: int, limit: int) -> list[tuple[str, str]]:
        if self.sole:
            return await self._pool.run(lambda c: reads.read_due(c, before, limit))
        return await self._run(lambda c: reads.claim_due(c, before, limit))

    async def now(self) -> float:
        return await self._pool.run(reads.read_now)

    async def versions(
        self, names: Sequence[tuple[str, str]], incarnations: Sequence[int] | None = None
    ) -> list[int]:
        return await self._pool.run(lambda c: reads.read_versions(c, names, incarnations))

    async def lagging(self, within: int, after: tuple[int, int] | None = None) -> Lagging:
        return await self._pool.run(lambda c: reads.read_lagging(c, within, after))

    async def _listed(
        self, filters: Filters, after: Position | None, limit: int
    ) -> tuple[list[SessionRow], list[HistoryRow | None]]:
        return await self._pool.run(lambda c: reads.read_sessions(c, filters, after, limit))

    async def row(self, project: str, session: str) -> SessionRow | None:
        return await self._pool.run(lambda c: reads.read_row(c, project, session))

    async def newest(self) -> int | None:
        return await self._pool.run(reads.read_newest)

    async def changes(self, project: str, session: str, limit: int = 1000) -> list[MoodChange]:
        return await self._read_all(lambda c, found: reads.read_changes(c, project, session, limit, found))

    async def batches(
        self, project: str, session: str, after: int = 0, limit: int = 1000, incarnation: int = 0
    ) -> list[Batch]:
        return await self._read_all(
            lambda c, found: reads.read_batches(c, project, session, after, limit, incarnation, found)
        )

    async def producer_state(self, project: str, session: str, producer: str) -> ProducerState | None:
        return await self._pool.run(lambda c: reads.read_producer_state(c, project, session, producer))

    # Erasing

    async def erase(self, project: str, session: str) -> bool:
        if not self._open:
            raise errors.StorageUnavailable("the storage is closed")
        name = (project, session)
        erased: bool = await self._erase_in_turn([name], lambda c: jobs.erase_session(c, *name))
        return erased

    async def expire(self, names: Sequence[tuple[str, str]], before: int) -> int:
        """Days whose sessions are all past their date go at once, with their partition, and with the names of other
        sessions. Of `names` those go one by one that waited for that for DAY_SLACK_MS."""
        dropped = await self._days.drop_past(self._pool, before)
        late = before - self._day_slack_ms
        expired: int = await self._erase_in_turn(names, lambda c: jobs.expire_sessions(c, names, late))
        return dropped + expired

    async def expired(self, before: int, limit: int) -> list[tuple[str, str]]:
        return await self._pool.run(lambda c: reads.read_expired(c, before, limit))

    async def request_erasure(self, project: str, session: str) -> bool:
        return await self._run(lambda c: jobs.add_request(c, project, session))

    async def withdraw_erasure(self, project: str, session: str) -> bool:
        return await self._run(lambda c: jobs.remove_request(c, project, session))

    async def erasure_pending(self, project: str, session: str) -> bool:
        return await self._pool.run(lambda c: reads.is_pending(c, project, session))

    async def erasure_requests(self) -> list[tuple[str, str]]:
        return await self._pool.run(lambda c: reads.read_requests(c, _REQUESTS_AT_ONCE))

    async def clock_seen(self) -> int | None:
        return await self._pool.run(reads.read_clock)

    async def see_clock(self, at: int) -> None:
        await self._run(lambda c: jobs.note_clock(c, at))

    # The rest

    async def backup(self, path: str) -> None:
        raise errors.BadRequest(
            "a backup of Postgres is made with its own tools: `pg_dump --format=custom`, or base backups and the WAL"
        )

    async def _write_probe(self) -> None:
        await self._run(lambda c: jobs.write_probe(c, time.time_ns() // 1_000_000))
        if self._usurped is not None:
            raise self._usurped

    async def damages(self) -> list[Damage]:
        return await self._pool.run(reads.read_damages)

    async def _kept_secret(self, name: str) -> bytes:
        return await self._run(lambda c: jobs.make_secret(c, name))

    async def add_key(self, key: Key) -> None:
        """Raises BadRequest when a key of this id or digest exists."""
        try:
            await self._run(lambda c: jobs.insert_key(c, key))
        except asyncpg.UniqueViolationError:
            if key not in await self.keys():  # else a broken line hid that it was added
                raise errors.BadRequest("there is such a key already") from None

    async def keys(self) -> list[Key]:
        return await self._read_all(reads.read_keys)

    async def revoke_key(self, key_id: str, at: int) -> Key | None:
        return await self._run(lambda c: jobs.revoke_key(c, key_id, at))

    async def elements(self, limit: int) -> list[ElementRow]:
        return await self._pool.run(lambda c: reads.read_elements(c, limit))

    async def store_elements(self, rows: Sequence[ElementRow], before: int) -> None:
        await self._run(lambda c: jobs.write_elements(c, rows, before))

    async def count_session(self, key_id: str, month: str, session: str, limit: int | None = None) -> int:
        return await self._run(lambda c: jobs.count_session(c, key_id, month, session, limit))

    async def sessions_counted(self, key_id: str, month: str, session: str) -> tuple[int, bool]:
        return await self._pool.run(lambda c: reads.sessions_counted(c, key_id, month, session))
