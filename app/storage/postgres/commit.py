"""The hot commit: one group, one call of a function of the database, one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.storage import Entry
from app.storage.postgres.connection import Connection, is_direct, is_environment, transaction
from app.storage.postgres.rows import day_of, session_id, text
from app.storage.queue import Group, Job, Outcome
from app.storage.rows import Row, change_values

_HEADS: Final = 5
_LOG: Final = 9
_SESSIONS: Final = 16
_CHANGES: Final = 9
_SNAPSHOTS: Final = 3
_HISTORIES: Final = 7


def _call(function: str, arguments: int) -> str:
    return f"SELECT * FROM {function}({', '.join(f'${n + 1}' for n in range(arguments))})"  # noqa: S608


_APPEND: Final = _call("sessionmood_append", 2 + _HEADS + _LOG)
_COMMIT: Final = _call(
    "sessionmood_commit", 2 + _HEADS + _LOG + _SESSIONS + _CHANGES + _SNAPSHOTS + _HISTORIES
)


class _Head:
    """One session's part of a group: its versions run from `expect` + 1 to `newest`."""

    __slots__ = ("day", "expect", "id", "incarnation", "newest")

    def __init__(self, id: bytes, day: int | None, expect: int, newest: int, incarnation: int) -> None:
        self.id = id
        self.incarnation = incarnation
        self.day = day
        self.expect = expect
        self.newest = newest


class _Rows:
    """What a group writes, by table. A session's row, snapshot and history go in once, as its last entry has them.

    `strays`: batches that do not go on from the entry before, and what comes after them. They are not written: the log
    would have a gap or two rows of one version, and fit no more for good. An older row without one says nothing new."""

    __slots__ = ("changes", "heads", "histories", "log", "sessions", "snapshots", "strays")

    def __init__(self, entries: Sequence[Entry]) -> None:
        heads: dict[tuple[str, str], _Head] = {}
        sessions: dict[bytes, Row] = {}
        snapshots: dict[bytes, Row] = {}
        histories: dict[bytes, Row] = {}
        self.log: list[Row] = []
        self.changes: list[Row] = []
        self.strays: list[Entry] = []
        strayed: set[tuple[str, str]] = set()
        for entry in entries:
            name, batch, row = entry.name, entry.batch, entry.row
            head = heads.get(name)
            expect = entry.version if batch is None else batch.version - 1
            if head is not None and (name in strayed or expect != head.newest):
                if batch is not None or name in strayed:
                    strayed.add(name)
                    self.strays.append(entry)
                continue
            if head is None:
                day = day_of(row.created_at) if row is not None and expect == 0 else None
                head = heads[name] = _Head(session_id(*name), day, expect, expect, entry.incarnation)
            id = head.id
            head.newest = entry.version
            if batch is not None:
                self.log.append(
                    (
                        id,
                        batch.version,
                        batch.at,
                        text(batch.producer),
                        batch.first_seq,
                        batch.last_seq,
                        batch.reports,
                        batch.count,
                        batch.events,
                    )
                )
            if row is not None:
                values = msgspec.structs.astuple(row)
                sessions[id] = (id, *values[:11], text(row.page), *values[12:])
            for change in entry.changes:
                self.changes.append((id, *change_values(change)[:-1], text(change.page)))
            if entry.snapshot is not None:
                snapshots[id] = (id, entry.version, entry.snapshot)
            if entry.history is not None:
                kept = msgspec.structs.astuple(entry.history)
                histories[id] = (id, *kept[:3], text(entry.history.worst_page), *kept[4:])
        self.heads = list(heads.values())
        self.sessions = list(sessions.values())
        self.snapshots = list(snapshots.values())
        self.histories = list(histories.values())

    @property
    def is_log_alone(self) -> bool:
        return not (self.sessions or self.changes or self.snapshots or self.histories)

    def arguments(self) -> list[Any]:
        """One array a column."""
        heads = self.heads
        return [
            [head.id for head in heads],
            [head.day for head in heads],
            [head.expect for head in heads],
            [head.newest for head in heads],
            [head.incarnation for head in heads],
            *_columns(self.log, _LOG),
        ]

    def more(self) -> list[Any]:
        return [
            *_columns(self.sessions, _SESSIONS),
            *_columns(self.changes, _CHANGES),
            *_columns(self.snapshots, _SNAPSHOTS),
            *_columns(self.histories, _HISTORIES),
        ]


def _columns(rows: list[Row], count: int) -> Iterable[Any]:
    return zip(*rows, strict=True) if rows else ((),) * count


class Writer:
    """The connection that commits. `node` stands in every row it writes, so that its own are known again.

    Where it talks to the server itself its two statements are prepared, which saves half the way; behind PgBouncer
    they are not."""

    def __init__(self, connection: Connection, node: int) -> None:
        self._connection = connection
        self._node = node
        self._prepared: dict[str, Any] = {}

    async def prepare(self) -> None:
        if await is_direct(self._connection):
            for statement in (_APPEND, _COMMIT):
                self._prepared[statement] = await self._connection.prepare(statement)

    @property
    def is_closed(self) -> bool:
        return bool(self._connection.is_closed())

    def terminate(self) -> None:
        """Hang up without a word."""
        self._connection.terminate()

    async def close(self, seconds: float) -> None:
        await self._connection.close(timeout=seconds)

    async def write(self, group: Group) -> Outcome:
        """Raises the environment's errors; a group with an entry that no database would take is written without
        it."""
        try:
            if not group.jobs:
                return Outcome([], lost=await self._insert(group.entries, group.repeated))
            async with transaction(self._connection):
                lost = await self._insert(group.entries, group.repeated)
                return Outcome([await self._run(job) for job in group.jobs], lost=lost)
        except Exception as error:
            if is_environment(error):
                raise
            return await self._write_one_by_one(group)

    async def _insert(self, entries: Sequence[Entry], repeated: bool) -> list[Entry]:
        """Those that lost: another node's stand in their place."""
        if not entries:
            return []
        rows = _Rows(entries)
        arguments = rows.arguments()
        statement = _APPEND
        if not rows.is_log_alone:
            statement = _COMMIT
            arguments += rows.more()
        prepared = self._prepared.get(statement)
        if prepared is None:
            found = await self._connection.fetch(statement, self._node, repeated, *arguments)
        else:
            found = await prepared.fetch(self._node, repeated, *arguments)
        if not found:
            return rows.strays
        kept: dict[bytes, int] = dict(found)
        strays = {id(entry) for entry in rows.strays}
        return [
            entry
            for entry in entries
            if id(entry) in strays or _has_lost(entry, kept.get(session_id(*entry.name)))
        ]

    async def _write_one_by_one(self, group: Group) -> Outcome:
        refused: list[tuple[Entry, Exception]] = []
        lost: list[Entry] = []
        async with transaction(self._connection):
            for entry in group.entries:
                if any(entry.name == each.name for each in lost):  # it was folded on what is not there
                    lost.append(entry)
                    continue
                try:
                    async with self._connection.transaction():
                        lost += await self._insert([entry], group.repeated)
                except Exception as error:
                    if is_environment(error):
                        raise
                    refused.append((entry, error))
            return Outcome([await self._run(job) for job in group.jobs], refused, lost)

    async def _run(self, job: Job) -> Any:
        """The job's result, or what it raised: its failure must not cost the entries beside it."""
        if job.future.cancelled():
            return None
        try:
            async with self._connection.transaction():
                return await job.work(self._connection)
        except Exception as error:
            if is_environment(error):
                raise
            return error


def _has_lost(entry: Entry, kept: int | None) -> bool:
    """`kept`: up to which version the session's rows are ours all the same, None where it did not lose."""
    return kept is not None and (entry.batch is None or entry.batch.version > kept)
