"""A Postgres database as a place to move sessions from or to."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from app.storage.postgres import partitions
from app.storage.postgres.connection import Connection
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.rows import day_of, session_id, text
from app.storage.rows import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    HISTORY_COLUMNS,
    SESSION_COLUMNS,
    SNAPSHOT_COLUMNS,
    Row,
)
from app.storage.whole import OTHERS, Name, Whole

T = TypeVar("T")

_PAGE: Final = (
    f'SELECT id, {SESSION_COLUMNS} FROM sessions WHERE (project COLLATE "C", session COLLATE "C") > ($1, $2) '  # noqa: S608
    'ORDER BY project COLLATE "C", session COLLATE "C" LIMIT $3'
)
_NAMED: Final = f"SELECT id, {SESSION_COLUMNS} FROM sessions WHERE id = ANY ($1)"  # noqa: S608
_TABLES: Final = {
    "histories": (HISTORY_COLUMNS, ""),
    "snapshots": (SNAPSHOT_COLUMNS, ""),
    "log": (BATCH_COLUMNS, " ORDER BY version"),
    "changes": (CHANGE_COLUMNS, " ORDER BY at, place"),
}
#: How many of a table's columns are its key.
_KEYS: Final = {"quotas": 2, "quota_sessions": 3, "elements": 2, "erase_requests": 2}
#: Stands in rows that no server of this database wrote.
_MOVED: Final = 0


class PostgresPlace:
    """`store` is open, alone. Implements `Place`."""

    def __init__(self, store: PostgresStorage) -> None:
        self._store = store
        self._days: set[int] = set()

    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        result: T = await self._store.queue.run(work)
        return result

    async def count(self) -> int:
        async def read(connection: Connection) -> int:
            return int(await connection.fetchval("SELECT count(*) FROM sessions"))

        return await self._run(read)

    async def page(self, after: Name, limit: int) -> list[Whole]:
        async def read(connection: Connection) -> list[Whole]:
            return await _wholes(connection, await connection.fetch(_PAGE, *after, limit))

        return await self._run(read)

    async def digests(self, names: list[Name]) -> dict[Name, bytes]:
        async def read(connection: Connection) -> dict[Name, bytes]:
            rows = await connection.fetch(_NAMED, [session_id(*name) for name in names])
            return {whole.name: whole.digest() for whole in await _wholes(connection, rows)}

        return await self._run(read)

    async def put(self, wholes: list[Whole]) -> None:
        for day in sorted({day_of(whole.row[3]) for whole in wholes} - self._days):
            await self._run(partial(partitions.make, day=day))
            self._days.add(day)
        await self._run(lambda c: _write(c, wholes))

    async def others(self, table: str) -> list[Row]:
        async def read(connection: Connection) -> list[Row]:
            return [tuple(row) for row in await connection.fetch(f"SELECT {OTHERS[table]} FROM {table}")]  # noqa: S608

        return await self._run(read)

    async def put_others(self, table: str, rows: list[Row]) -> None:
        names = OTHERS[table].split(", ")
        keys = _KEYS.get(table, 1)
        places = ", ".join(f"${n + 1}" for n in range(len(names)))
        replaced = ", ".join(f"{name} = excluded.{name}" for name in names[keys:])
        conflict = f"({', '.join(names[:keys])}) DO " + (f"UPDATE SET {replaced}" if replaced else "NOTHING")
        insert = f"INSERT INTO {table} ({OTHERS[table]}) VALUES ({places}) ON CONFLICT {conflict}"  # noqa: S608

        async def write(connection: Connection) -> None:
            await connection.executemany(insert, [_texts(row) for row in rows])

        await self._run(write)


async def _wholes(connection: Connection, rows: list[Any]) -> list[Whole]:
    ids = [row[0] for row in rows]
    found: dict[str, defaultdict[bytes, list[Row]]] = {}
    for table, (names, order) in _TABLES.items():
        of = found[table] = defaultdict(list)
        for row in await connection.fetch(f"SELECT id, {names} FROM {table} WHERE id = ANY ($1){order}", ids):  # noqa: S608
            of[row[0]].append(tuple(row)[1:])
    return [
        Whole(
            tuple(row)[1:],
            next(iter(found["histories"][row[0]]), None),
            next(iter(found["snapshots"][row[0]]), None),
            found["log"][row[0]],
            found["changes"][row[0]],
        )
        for row in rows
    ]


async def _write(connection: Connection, wholes: list[Whole]) -> None:
    ids = {whole.name: session_id(*whole.name) for whole in wholes}
    for table in ("log", "changes", "snapshots", "histories", "sessions", "heads"):
        await connection.execute(f"DELETE FROM {table} WHERE id = ANY ($1)", list(ids.values()))  # noqa: S608

    async def copy(table: str, names: str, rows: list[Any]) -> None:
        await connection.copy_records_to_table(
            table, records=[_texts(row) for row in rows], columns=names.split(", ")
        )

    heads: list[Any] = []
    log: list[Any] = []
    for whole in wholes:
        id, day = ids[whole.name], day_of(whole.row[3])
        heads.append((id, day, whole.version, _MOVED, 0))
        log += [(id, day, _MOVED, *row) for row in whole.batches]
    await copy("heads", "id, day, version, writer, incarnation", heads)
    await copy("log", f"id, day, writer, {BATCH_COLUMNS}", log)
    rows = [(ids[w.name], *w.row[:13], bool(w.row[13]), *w.row[14:]) for w in wholes]
    await copy("sessions", f"id, {SESSION_COLUMNS}", rows)
    changes = [(ids[w.name], *row) for w in wholes for row in w.changes]
    await copy("changes", f"id, {CHANGE_COLUMNS}", changes)
    snapshots = [(ids[w.name], *w.snapshot) for w in wholes if w.snapshot is not None]
    await copy("snapshots", f"id, {SNAPSHOT_COLUMNS}", snapshots)
    histories = [(ids[w.name], *w.history) for w in wholes if w.history is not None]
    await copy("histories", f"id, {HISTORY_COLUMNS}", histories)


def _texts(row: Row) -> Row:
    return [text(value) if isinstance(value, str) else value for value in row]
