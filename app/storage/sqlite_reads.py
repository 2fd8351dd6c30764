"""What is read from SQLite: functions of a connection, run in the reading thread."""

import sqlite3
from itertools import chain
from typing import Any

import msgspec

from app.storage import Batch, ElementRow, Key, MoodChange, Numbering, SessionRow, Stored
from app.storage.cursor import Filters, Position
from app.storage.sqlite_rows import BATCH_COLUMNS, CHANGE_COLUMNS, SESSION_COLUMNS

_SESSION = f"SELECT id, {SESSION_COLUMNS} FROM sessions WHERE project = ? AND session = ?"  # noqa: S608
_BATCHES = f"SELECT {BATCH_COLUMNS} FROM log WHERE session_id = ? AND version > ? ORDER BY version LIMIT ?"  # noqa: S608
_SNAPSHOT = "SELECT version, state FROM snapshots WHERE session_id = ?"
_CHANGES = f"SELECT {CHANGE_COLUMNS} FROM changes WHERE session_id = ? ORDER BY at, id LIMIT ?"  # noqa: S608
# One row for all of them: for each row that is read, sqlite3 hands Python's lock over and back.
_DUE = """
SELECT json_group_array(json_array(project, session))
FROM (SELECT project, session FROM sessions WHERE due_at <= ? ORDER BY due_at LIMIT ?)
"""
# Walks along the session's part of the log: asked only of sessions with very many page loads.
_NUMBERING = """
SELECT producer, last_seq, reports FROM log
WHERE session_id = (SELECT id FROM sessions WHERE project = ? AND session = ?) AND producer = ?
ORDER BY version DESC LIMIT 1
"""
KEY_COLUMNS = (
    "id, project, kind, digest, name, created_at, revoked_at, origins, monthly_sessions, events_per_second"
)
_KEYS = f"SELECT {KEY_COLUMNS} FROM keys ORDER BY created_at, id"  # noqa: S608
ELEMENT_COLUMNS = "project, target, at, visitors, clicks, runs, answered, dead, waited"
_ELEMENTS = f"SELECT {ELEMENT_COLUMNS} FROM elements ORDER BY at DESC LIMIT ?"  # noqa: S608
# The moods that sessions on a page have, found by leaps in the index.
_MOODS = """
WITH RECURSIVE moods (mood) AS (
  SELECT min(mood) FROM sessions WHERE project = ? AND page = ?
  UNION ALL
  SELECT (SELECT min(mood) FROM sessions WHERE project = ? AND page = ? AND mood > moods.mood) FROM moods
  WHERE moods.mood IS NOT NULL
)
SELECT mood FROM moods WHERE mood IS NOT NULL
"""
_LAST_AT = 5  # where the walk's rows have it
_NO_LIMIT = -1


def session_row(values: tuple[Any, ...]) -> SessionRow:
    return SessionRow(*(*values[:-1], bool(values[-1])))


def read_row(connection: sqlite3.Connection, project: str, session: str) -> SessionRow | None:
    found = connection.execute(_SESSION, (project, session)).fetchone()
    return session_row(found[1:]) if found else None


def read_stored(connection: sqlite3.Connection, project: str, session: str) -> Stored | None:
    """Row, snapshot and log as of one moment."""
    connection.execute("BEGIN")
    try:
        found = connection.execute(_SESSION, (project, session)).fetchone()
        if not found:
            return None
        version, state = connection.execute(_SNAPSHOT, found[:1]).fetchone() or (0, None)
        batches = connection.execute(_BATCHES, (found[0], version, _NO_LIMIT)).fetchall()
    finally:
        connection.execute("COMMIT")
    return Stored(session_row(found[1:]), state, version, [Batch(*batch) for batch in batches])


def read_batches(
    connection: sqlite3.Connection, project: str, session: str, after: int, limit: int
) -> list[Batch]:
    found = connection.execute(_SESSION, (project, session)).fetchone()
    rows = connection.execute(_BATCHES, (found[0], after, limit)).fetchall() if found else []
    return [Batch(*row) for row in rows]


def read_changes(connection: sqlite3.Connection, project: str, session: str, limit: int) -> list[MoodChange]:
    found = connection.execute(_SESSION, (project, session)).fetchone()
    rows = connection.execute(_CHANGES, (found[0], limit)).fetchall() if found else []
    return [_change(row) for row in rows]


def _change(row: tuple[Any, ...]) -> MoodChange:
    return MoodChange(*(*row[:5], msgspec.json.decode(row[5], type=list[str]), *row[6:]))


def read_numbering(
    connection: sqlite3.Connection, project: str, session: str, producer: str
) -> Numbering | None:
    found = connection.execute(_NUMBERING, (project, session, producer)).fetchone()
    return Numbering(*found) if found else None


def read_elements(connection: sqlite3.Connection, limit: int) -> list[ElementRow]:
    """The latest used, the longest unused of them first."""
    return [ElementRow(*row) for row in reversed(connection.execute(_ELEMENTS, (limit,)).fetchall())]


def read_due(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[str, str]]:
    (names,) = connection.execute(_DUE, (before, limit)).fetchone()
    return msgspec.json.decode(names, type=list[tuple[str, str]])


def read_sessions(
    connection: sqlite3.Connection, filters: Filters, after: Position | None, limit: int
) -> list[SessionRow]:
    """Newest activity first, from just after the session of `after`. Each list is a walk along an index, as
    long as the answer."""
    project, mood, page = filters.project, filters.mood, filters.page
    where = ["project = ?"]
    values: list[Any] = [project]
    if filters.active_since is not None:
        where.append("last_at >= ?")
        values.append(filters.active_since)
    if filters.quiet_since is not None:
        where.append("last_at < ?")
        values.append(filters.quiet_since)
    if after is not None:
        # Erased since: then nothing says where among the sessions of that millisecond, so show them again.
        where.append(
            "(last_at, id) < (?, ifnull((SELECT id FROM sessions WHERE project = ? AND session = ?), ?))"
        )
        values += [after.last_at, project, after.session, 2**63 - 1]
    if page is None and mood is None:
        return [session_row(row[1:]) for row in _walk(connection, "recent", where, values, limit)]
    if page is None:
        rows = _walk(connection, "mood", [*where, "mood = ?"], [*values, mood], limit)
        return [session_row(row[1:]) for row in rows]
    moods = (
        [mood]
        if mood is not None
        else [found for (found,) in connection.execute(_MOODS, (project, page) * 2)]
    )
    walks = [
        _walk(connection, "page", [*where, "page = ?", "mood = ?"], [*values, page, each], limit)
        for each in moods
    ]
    newest_first = sorted(chain.from_iterable(walks), key=lambda row: (row[_LAST_AT], row[0]), reverse=True)
    return [session_row(row[1:]) for row in newest_first[:limit]]


def _walk(
    connection: sqlite3.Connection, index: str, where: list[str], values: list[Any], limit: int
) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT id, {SESSION_COLUMNS} FROM sessions INDEXED BY ix_sessions_{index} "  # noqa: S608
        f"WHERE {' AND '.join(where)} ORDER BY last_at DESC, id DESC LIMIT ?",
        (*values, limit),
    ).fetchall()


def read_keys(connection: sqlite3.Connection) -> list[Key]:
    return [key(row) for row in connection.execute(_KEYS).fetchall()]


def key(row: tuple[Any, ...]) -> Key:
    return Key(*(*row[:7], msgspec.json.decode(row[7], type=tuple[str, ...]), *row[8:]))


def read_secret(connection: sqlite3.Connection, name: str) -> bytes | None:
    found = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return found[0] if found else None
