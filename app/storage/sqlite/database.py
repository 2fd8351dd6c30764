"""Storage in one SQLite file: the default. The promises are those of `Storage`."""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from app import errors
from app.storage import (
    Batch,
    Damage,
    ElementRow,
    Entry,
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
from app.storage.file_lock import Gate
from app.storage.migrations import migrate_sqlite
from app.storage.queue import Group, Outcome, WriteQueue
from app.storage.queued import CLOSE_SECONDS, READ_RETRY_MS, Queued
from app.storage.sqlite import jobs, reads, requests
from app.storage.sqlite.backup import back_up
from app.storage.sqlite.commit import is_environment, write_group
from app.storage.sqlite.connection import BUSY_SECONDS, Connection, reading, writing
from app.storage.sqlite.damage import examine, forget_quarantine, insert_damage, is_corrupt, read_damages
from app.storage.sqlite.identity import Claim, sizes
from app.storage.sqlite.names import Names
from app.storage.sqlite.wal import WriteAheadLog
from app.storage.sqlite.wipe import Wiper, wiped_soon

T = TypeVar("T")
logger = logging.getLogger("sessionmood.storage")

WIPE_SECONDS = 5.0


class SQLiteStorage(Queued):
    """`wal` has counters for the metrics too.

    `sole`: refuse to open when another process has the file open with `sole`. A server holds the state of its
    sessions in memory, so there can be one; commands beside it (keys, backup) open without.
    `max_queued_bytes`: what may wait for the disk before `submit` refuses. `retry_scale` stretches the waits
    between tries after a failure (0.25 s, doubled up to 5 s)."""

    #: a file has one writer, whoever that is
    sole = True
    wal: WriteAheadLog
    wiper: Wiper

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sole: bool = False,
        max_queued_bytes: int = 64 * 1024 * 1024,
        retry_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.path = os.fspath(path)
        self._max_queued_bytes = max_queued_bytes
        self._retry_scale = retry_scale
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._numbering = asyncio.Lock()
        self._names = Names(self._read_names, self._count_sessions, self.settled)
        self._alone = sole
        self._claim = Claim(self.path, sole)
        self._gate = Gate(self._claim.real + "-lock", BUSY_SECONDS)

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._claim.take)
            writer = Connection(self.path, writing, self._gate)
            await writer
            self._writer = writer
            await writer.run(migrate_sqlite)
            # Made now, so that lists need no write later.
            self._secrets["cursor"] = await writer.run(lambda c: jobs.make_secret(c, "cursor"))
            if self._alone:
                self.epoch = await writer.run(self._claim.mark)
                await writer.run(forget_quarantine)
            reader = Connection(self.path, reading)
            await reader
            self._reader = reader
        except (sqlite3.Error, OSError) as error:
            await self._release()
            raise errors.StorageUnavailable(f"cannot open {self.path}: {error}") from error
        except BaseException:
            await self._release()
            raise
        self.wal = WriteAheadLog(writer)
        self.wiper = Wiper(writer, self._claim.real)
        await self.wiper.start()
        self.queue = WriteQueue(self._write, max_bytes=self._max_queued_bytes, retry_scale=self._retry_scale)
        self.damage = Damages(lambda damage: self.queue.run(partial(insert_damage, damage=damage)))
        if self._alone:
            self._names.start()

    async def close(self) -> None:
        """Waits at most CLOSE_SECONDS for a disk that fails; what was acked is kept in any case."""
        if self._writer is None:
            return
        self.queue.closed = True
        self._names.stop()
        try:
            await self._drain(CLOSE_SECONDS)
        finally:
            self.wal.stop()
            self.wiper.stop()
            await self._release()
            self.wiper.release()

    async def _release(self) -> None:
        """The writer last: whoever closes last folds the write-ahead log into the file."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        try:
            for connection in (reader, writer):
                if connection is not None:
                    # Not its close(): that waits for a thread that hangs in a write, cancelled or not.
                    await asyncio.wait([connection.stop()], timeout=CLOSE_SECONDS)
        finally:
            if writer is not None:
                writer.stop()
            self._gate.close()
            self._claim.release()

    def _write(self, group: Group) -> "asyncio.Future[Outcome]":
        if self._writer is None:
            raise errors.StorageUnavailable("the storage is closed")
        writing = self._writer.start(partial(write_group, group=group))
        writing.add_done_callback(partial(self._written, group))
        return writing

    def _written(self, group: Group, writing: "asyncio.Future[Outcome]") -> None:
        error = writing.exception()
        if error is None:
            self.wal.grew(len(group.entries), group.bytes)
        elif self._writer is not None:
            self._writer.distrust(error)

    async def _run(self, work: Callable[[sqlite3.Connection], T], *, seal: bool = False) -> T:
        if self._writer is None:
            raise errors.StorageUnavailable("the storage is closed")
        result: T = await self.queue.run(work, seal=seal)
        return result

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        reader = self._reader
        if reader is None:
            raise errors.StorageUnavailable("the storage is closed")
        try:
            return await reader.run(work)
        except Exception as error:
            if not is_environment(error):
                raise
            reader.distrust(error)
            kind = errors.Damaged if is_corrupt(error) else errors.StorageUnavailable
            raise kind(f"reading fails: {error}", retry_ms=READ_RETRY_MS) from error

    async def _read_all(self, work: Callable[[sqlite3.Connection, list[Found]], T]) -> T:
        """As `_read`, for what may pass over items that cannot be read."""
        damages: list[Found] = []
        result = await self._read(lambda c: work(c, damages))
        self.damage.report_all(damages)
        return result

    def submit(self, entry: Entry) -> "asyncio.Future[None]":
        if entry.row is not None:
            self._names.add(entry.name)
        return self.queue.submit(entry)

    def lacks(self, project: str, session: str) -> bool:
        return self._names.lacks((project, session))

    async def _read_names(self, after: int, limit: int) -> tuple[list[tuple[str, str]], int | None]:
        return await self._read(lambda c: reads.read_names(c, after, limit))

    async def _count_sessions(self) -> int:
        return await self._read(reads.count_sessions)

    async def load(self, project: str, session: str) -> Stored | None:
        """Waits for an erasure of the session that is under way."""
        await self._until_erased((project, session))
        try:
            return await self._read_all(lambda c, found: reads.read_stored(c, project, session, found))
        except errors.Damaged as error:
            self.damage.report(project, session, "session", error)
            raise

    async def due(self, before: int, limit: int) -> list[tuple[str, str]]:
        return await self._read(lambda c: reads.read_due(c, before, limit))

    async def lagging(self, within: int, after: tuple[int, int] | None = None) -> Lagging:
        return await self._read(lambda c: reads.read_lagging(c, within, after))

    async def _listed(
        self, filters: Filters, after: Position | None, limit: int
    ) -> tuple[list[SessionRow], list[HistoryRow | None]]:
        return await self._read(lambda c: reads.read_sessions(c, filters, after, limit))

    async def row(self, project: str, session: str) -> SessionRow | None:
        return await self._read(lambda c: reads.read_row(c, project, session))

    async def newest(self) -> int | None:
        return await self._read(reads.read_newest)

    async def changes(self, project: str, session: str, limit: int = 1000) -> list[MoodChange]:
        return await self._read_all(lambda c, found: reads.read_changes(c, project, session, limit, found))

    async def batches(
        self, project: str, session: str, after: int = 0, limit: int = 1000, incarnation: int = 0
    ) -> list[Batch]:
        return await self._read_all(
            lambda c, found: reads.read_batches(c, project, session, after, limit, found)
        )

    async def producer_state(self, project: str, session: str, producer: str) -> ProducerState | None:
        before: int | None = None
        async with self._numbering:
            while before != 0:
                part = partial(
                    reads.read_producer_state,
                    project=project,
                    session=session,
                    producer=producer,
                    before=before,
                )
                found, before = await self._read(part)
                if found is not None:
                    return found
        return None

    async def erase(self, project: str, session: str) -> bool:
        """While a backup reads the file its write-ahead log cannot be wiped: then that follows by itself."""
        if self._writer is None:
            raise errors.StorageUnavailable("the storage is closed")
        erased: bool
        erased, to_wipe = await self._erase_in_turn(
            [(project, session)], lambda c: jobs.erase_session(c, project, session)
        )
        if to_wipe:
            await wiped_soon(self.wiper.ask(), WIPE_SECONDS)
        return erased

    async def request_erasure(self, project: str, session: str) -> bool:
        return await self._run(lambda c: requests.add_request(c, project, session))

    async def withdraw_erasure(self, project: str, session: str) -> bool:
        return await self._run(lambda c: requests.remove_request(c, project, session))

    async def erasure_pending(self, project: str, session: str) -> bool:
        return await self._read(lambda c: requests.is_pending(c, project, session))

    async def erasure_requests(self) -> list[tuple[str, str]]:
        return await self._read(requests.read_requests)

    async def expired(self, before: int, limit: int) -> list[tuple[str, str]]:
        return await self._read(lambda c: reads.read_expired(c, before, limit))

    async def expire(self, names: Sequence[tuple[str, str]], before: int) -> int:
        if self._writer is None:
            raise errors.StorageUnavailable("the storage is closed")
        expired: int
        expired, damages = await self._erase_in_turn(names, lambda c: jobs.expire_sessions(c, names, before))
        self.damage.report_all(damages)
        if expired:
            self.wiper.ask()
        return expired

    async def clock_seen(self) -> int | None:
        return await self._read(reads.read_clock)

    async def see_clock(self, at: int) -> None:
        await self._run(lambda c: jobs.note_clock(c, at))

    async def backup(self, path: str) -> None:
        """Replaces `path` once the copy is whole. Restore: stop, put the copy in the database's place (and
        remove its -wal and -shm), start."""
        try:
            await back_up(self.path, path)
        except (sqlite3.Error, OSError) as error:
            raise errors.StorageUnavailable(f"the backup failed: {error}") from error

    async def _write_probe(self) -> None:
        await self._run(lambda c: jobs.write_probe(c, int(time.time() * 1000)))

    def _sizes(self) -> tuple[int, int, int]:
        return sizes(self._claim.real)

    async def examine(self) -> list[str]:
        """Look through the whole file; what SQLite says of damaged pages. Rows that cannot be read are reported."""
        pages, damages = await self._read(examine)
        self.damage.report_all(damages)
        await self.settled()
        return pages

    async def damages(self) -> list[Damage]:
        return await self._read(read_damages)

    async def now(self) -> float:
        return time.time() * 1000

    async def versions(
        self, names: Sequence[tuple[str, str]], incarnations: Sequence[int] | None = None
    ) -> list[int]:
        return await self._read(lambda c: reads.read_versions(c, names))

    async def _kept_secret(self, name: str) -> bytes:
        found = await self._read(lambda c: reads.read_secret(c, name))
        return await self._run(lambda c: jobs.make_secret(c, name)) if found is None else found

    async def add_key(self, key: Key) -> None:
        """Raises BadRequest when a key of this id or digest exists."""
        try:
            await self._run(lambda c: jobs.insert_key(c, key))
        except sqlite3.IntegrityError:
            raise errors.BadRequest("there is such a key already") from None

    async def keys(self) -> list[Key]:
        return await self._read_all(reads.read_keys)

    async def revoke_key(self, key_id: str, at: int) -> Key | None:
        return await self._run(lambda c: jobs.revoke_key(c, key_id, at))

    async def elements(self, limit: int) -> list[ElementRow]:
        return await self._read(lambda c: reads.read_elements(c, limit))

    async def store_elements(self, rows: Sequence[ElementRow], before: int) -> None:
        await self._run(lambda c: jobs.write_elements(c, rows, before))

    async def count_session(self, key_id: str, month: str, session: str, limit: int | None = None) -> int:
        return await self._run(lambda c: jobs.count_session(c, key_id, month, session, limit))

    async def sessions_counted(self, key_id: str, month: str, session: str) -> tuple[int, bool]:
        return await self._read(lambda c: jobs.sessions_counted(c, key_id, month, session))
