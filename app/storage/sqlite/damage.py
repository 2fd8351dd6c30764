"""How SQLite tells of what cannot be read, and where that is noted."""

import sqlite3
from typing import Final

import msgspec

from app.storage import Damage, SessionRow
from app.storage.damage import MAX_READ, TYPES, Found
from app.storage.rows import DAMAGE_COLUMNS, SESSION_COLUMNS

#: Lines of SQLite's own about damaged pages that are told.
MAX_TOLD_PAGES: Final = 5

_INSERT: Final = f"INSERT INTO damages ({DAMAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_READ: Final = f"SELECT {DAMAGE_COLUMNS} FROM damages ORDER BY at, session, part LIMIT {MAX_READ}"  # noqa: S608

_BAD_LOG: Final = f"""
SELECT sessions.project, sessions.session, min(log.version) FROM log JOIN sessions ON sessions.id = log.session_id
WHERE typeof(log.events) <> 'blob' OR NOT json_valid(CAST(log.events AS TEXT))
GROUP BY sessions.id LIMIT {MAX_READ}
"""  # noqa: S608

_AFFINITY: Final[dict[type, str]] = {
    int: "integer", str: "text", float: "real", bool: "integer", type(None): "null", bytes: "blob"
}  # fmt: skip
#: Holds for rows of `sessions` that can be read: SQLite keeps any type in any column.
SOUND: Final = " AND ".join(
    f"typeof({name}) IN ({', '.join(sorted({repr(_AFFINITY[kind]) for kind in kinds}))})"
    for name, kinds in zip(SESSION_COLUMNS.split(", "), TYPES[SessionRow], strict=True)
)


def insert_damage(connection: sqlite3.Connection, damage: Damage) -> None:
    connection.execute(_INSERT, msgspec.structs.astuple(damage))


def read_damages(connection: sqlite3.Connection) -> list[Damage]:
    return [Damage(*row) for row in connection.execute(_READ).fetchall()]


def examine(connection: sqlite3.Connection) -> tuple[list[str], list[Found]]:
    """Look through the whole file: what SQLite says of its pages, and the rows that cannot be read. Takes as long
    as reading all of it: about 2 s a GB."""
    says = [str(row[0]) for row in connection.execute(f"PRAGMA quick_check({MAX_TOLD_PAGES})").fetchall()]
    if says != ["ok"]:
        return [line.replace("\n", " ") for line in says], []
    found: list[Found] = []
    bad = connection.execute(
        f"SELECT project, session FROM sessions WHERE NOT ({SOUND}) LIMIT {MAX_READ}"  # noqa: S608
    )
    found += [(str(p), str(s), "session", "a column of its row has a wrong type") for p, s in bad.fetchall()]
    bad = connection.execute(_BAD_LOG)
    found += [(str(p), str(s), "log", f"the row of version {v!r} is no JSON") for p, s, v in bad.fetchall()]
    return [], found


def forget_quarantine(connection: sqlite3.Connection) -> None:
    """At a start: sessions that could not be read at all, or not erased, get another try."""
    connection.execute("DELETE FROM damages WHERE part IN ('session', 'erase', 'retention')")


def is_corrupt(error: BaseException | None) -> bool:
    """Whether SQLite found pages of the file that make no sense."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
