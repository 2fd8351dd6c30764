"""An SQLite file as a place to move sessions from or to."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from app.storage.rows import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    HISTORY_COLUMNS,
    SESSION_COLUMNS,
    SNAPSHOT_COLUMNS,
    Row,
)
from app.storage.sqlite.database import SQLiteStorage
from app.storage.whole import OTHERS, Name, Whole

T = TypeVar("T")

_PAGE = (
    f"SELECT id, {SESSION_COLUMNS} FROM sessions WHERE (project, session) > (?, ?) "  # noqa: S608
    "ORDER BY project, session LIMIT ?"
)
_NAMED = f"SELECT id, {SESSION_COLUMNS} FROM sessions WHERE project = ? AND session = ?"  # noqa: S608
_HISTORY = f"SELECT {HISTORY_COLUMNS} FROM histories WHERE session_id = ?"  # noqa: S608
_SNAPSHOT = f"SELECT {SNAPSHOT_COLUMNS} FROM snapshots WHERE session_id = ?"  # noqa: S608
_BATCHES = f"SELECT {BATCH_COLUMNS} FROM log WHERE session_id = ? ORDER BY version"  # noqa: S608
_CHANGES = f"SELECT {CHANGE_COLUMNS} FROM changes WHERE session_id = ? ORDER BY at, id"  # noqa: S608


class SQLitePlace:
    """`store` is open, alone. Implements `Place`."""

    def __init__(self, store: SQLiteStorage) -> None:
        self._store = store

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._store.queue.run(work)
        return result

    async def count(self) -> int:
        return await self._run(lambda c: int(c.execute("SELECT count(*) FROM sessions").fetchone()[0]))

    async def page(self, after: Name, limit: int) -> list[Whole]:
        return await self._run(
            lambda c: [_whole(c, row) for row in c.execute(_PAGE, (*after, limit)).fetchall()]
        )

    async def digests(self, names: list[Name]) -> dict[Name, bytes]:
        def read(connection: sqlite3.Connection) -> dict[Name, bytes]:
            rows = [row for name in names for row in connection.execute(_NAMED, name).fetchall()]
            return {whole.name: whole.digest() for whole in (_whole(connection, row) for row in rows)}

        return await self._run(read)

    async def put(self, wholes: list[Whole]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            for whole in wholes:
                _write(connection, whole)

        await self._run(write)

    async def others(self, table: str) -> list[Row]:
        return await self._run(lambda c: c.execute(f"SELECT {OTHERS[table]} FROM {table}").fetchall())  # noqa: S608

    async def put_others(self, table: str, rows: list[Row]) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_insert(table, OTHERS[table], "OR REPLACE"), rows)

        await self._run(write)


def _whole(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Whole:
    id = row[:1]
    return Whole(
        row[1:],
        connection.execute(_HISTORY, id).fetchone(),
        connection.execute(_SNAPSHOT, id).fetchone(),
        connection.execute(_BATCHES, id).fetchall(),
        connection.execute(_CHANGES, id).fetchall(),
    )


def _write(connection: sqlite3.Connection, whole: Whole) -> None:
    for (old,) in connection.execute("SELECT id FROM sessions WHERE project = ? AND session = ?", whole.name):
        for table in ("log", "changes", "snapshots", "histories"):
            connection.execute(f"DELETE FROM {table} WHERE session_id = ?", (old,))  # noqa: S608
        connection.execute("DELETE FROM sessions WHERE id = ?", (old,))
    id = connection.execute(_insert("sessions", SESSION_COLUMNS), whole.row).lastrowid
    for table, names, rows in (
        ("log", BATCH_COLUMNS, whole.batches),
        ("changes", CHANGE_COLUMNS, whole.changes),
        ("snapshots", SNAPSHOT_COLUMNS, [whole.snapshot] if whole.snapshot else []),
        ("histories", HISTORY_COLUMNS, [whole.history] if whole.history else []),
    ):
        connection.executemany(_insert(table, f"session_id, {names}"), [(id, *row) for row in rows])


def _insert(table: str, names: str, kind: str = "") -> str:
    places = ", ".join("?" * (names.count(",") + 1))
    return f"INSERT {kind} INTO {table} ({names}) VALUES ({places})"  # noqa: S608
