"""What is read from SQLite: functions of a connection, run in the reading thread."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from app.storage import (
    Batch,
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
from app.storage.damage import Found, checked, fits
from app.storage.rows import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    ELEMENT_COLUMNS,
    HISTORY_AT,
    HISTORY_COLUMNS,
    KEY_COLUMNS,
    SESSION_COLUMNS,
    batches_of,
    changes_of,
    history_of,
    keys_of,
)
from app.storage.sqlite.damage import SOUND

_SESSION = f"SELECT id, {SESSION_COLUMNS} FROM sessions WHERE project = ? AND session = ?"  # noqa: S608
_BATCHES = f"SELECT {BATCH_COLUMNS} FROM log WHERE session_id = ? AND version > ? ORDER BY version LIMIT ?"  # noqa: S608
_SNAPSHOT = "SELECT version, state FROM snapshots WHERE session_id = ?"
_HISTORY = f"SELECT {HISTORY_COLUMNS} FROM histories WHERE session_id = ?"  # noqa: S608
_LISTED = (
    f"SELECT id, {SESSION_COLUMNS}, {HISTORY_COLUMNS} FROM sessions "  # noqa: S608
    "LEFT JOIN histories ON session_id = id WHERE id IN (SELECT value FROM json_each(?)) "
    "ORDER BY last_at DESC, id DESC"
)
_CHANGES = f"SELECT {CHANGE_COLUMNS} FROM changes WHERE session_id = ? ORDER BY at, id LIMIT ?"  # noqa: S608
# One row for all of them: for each row that is read, sqlite3 hands Python's lock over and back.
_DUE = """
SELECT json_group_array(json_array(project, session))
FROM (
  SELECT project, session FROM sessions
  WHERE due_at <= ? AND typeof(project) = 'text' AND typeof(session) = 'text' AND NOT EXISTS (
    SELECT 1 FROM damages AS d
    WHERE d.project = sessions.project AND d.session = sessions.session AND d.part = 'session'
  )
  ORDER BY due_at LIMIT ?
)
"""
_NAMES = """
SELECT max(id), count(*), json_group_array(json_array(project, session)) FILTER (
  WHERE typeof(project) = 'text' AND typeof(session) = 'text'
)
FROM (SELECT id, project, session FROM sessions WHERE id > ? ORDER BY id LIMIT ?)
"""
# Rows of the log that are read in one go where no index leads to what is wanted: 1-4 ms.
LOG_PART = 2048
# An index would cost every row of the log, and only sessions with very many page loads are asked for it.
_NUMBERING = """
SELECT producer, last_seq, reports FROM log
WHERE session_id = ? AND version <= ? AND version > ? AND producer = ? ORDER BY version DESC LIMIT 1
"""
_NEWEST_VERSION = """
SELECT session_id, max(version) FROM log
WHERE session_id = (SELECT id FROM sessions WHERE project = ? AND session = ?)
"""
_LOG_PART = "SELECT min(id), max(at) FROM (SELECT id, at FROM log WHERE id < ? ORDER BY id DESC LIMIT ?)"
_LAGGING = """
SELECT DISTINCT project, session FROM log JOIN sessions ON sessions.id = log.session_id
WHERE log.id >= ? AND log.id < ? AND log.version > sessions.version
  AND typeof(project) = 'text' AND typeof(session) = 'text'
"""
_KEYS = f"SELECT {KEY_COLUMNS} FROM keys ORDER BY created_at, id"  # noqa: S608
_ELEMENTS = f"SELECT {ELEMENT_COLUMNS} FROM elements ORDER BY at DESC LIMIT ?"  # noqa: S608
# The traits that sessions of a project, or on a page of it, have, found by leaps in the index.
_TRAITS = """
WITH RECURSIVE found (traits) AS (
  SELECT min(traits) FROM sessions WHERE {where}
  UNION ALL
  SELECT (SELECT min(traits) FROM sessions WHERE {where} AND traits > found.traits) FROM found
  WHERE found.traits IS NOT NULL
)
SELECT traits FROM found WHERE traits IS NOT NULL AND traits & ? IN (SELECT value FROM json_each(?))
"""
# The newest of each kind, by one walk along the index for each; the newest of all are among them.
_NEWEST = """
SELECT id FROM sessions WHERE id IN (
  SELECT newest.value FROM json_each(?) AS kind, json_each((
    SELECT json_group_array(id) FROM (
      SELECT id FROM sessions INDEXED BY {index}
      WHERE {where} AND traits = kind.value ORDER BY last_at DESC, id DESC LIMIT ?
    )
  )) AS newest
) ORDER BY last_at DESC, id DESC LIMIT ?
"""
_NO_LIMIT = -1


def session_row(values: tuple[Any, ...]) -> SessionRow:
    """Raises Damaged."""
    row = checked(SessionRow, values)
    return msgspec.structs.replace(row, publishable=bool(row.publishable))


def read_row(connection: sqlite3.Connection, project: str, session: str) -> SessionRow | None:
    found = connection.execute(_SESSION, (project, session)).fetchone()
    return session_row(found[1:]) if found else None


def read_stored(
    connection: sqlite3.Connection, project: str, session: str, damages: list[Found]
) -> Stored | None:
    """Row, snapshot and log as of one moment. Raises Damaged."""
    # Most who come are new, and beside a busy loop each statement waits for Python's lock.
    if not connection.execute(_SESSION, (project, session)).fetchone():
        return None
    connection.execute("BEGIN")
    try:
        found = connection.execute(_SESSION, (project, session)).fetchone()
        if not found:
            return None
        version, state = connection.execute(_SNAPSHOT, found[:1]).fetchone() or (0, None)
        batches = connection.execute(_BATCHES, (found[0], version, _NO_LIMIT)).fetchall()
        history = connection.execute(_HISTORY, found[:1]).fetchone()
    finally:
        connection.execute("COMMIT")
    readable = batches_of(batches, project, session, damages)
    return Stored(session_row(found[1:]), state, version, readable, history_of(history))


def read_batches(
    connection: sqlite3.Connection, project: str, session: str, after: int, limit: int, damages: list[Found]
) -> list[Batch]:
    """At most `limit`, and fewer only where the log ends."""
    found = connection.execute(_SESSION, (project, session)).fetchone()
    batches: list[Batch] = []
    while found and len(batches) < limit:
        wanted = limit - len(batches)
        rows = connection.execute(_BATCHES, (found[0], after, wanted)).fetchall()
        batches += batches_of(rows, project, session, damages)
        if len(rows) < wanted or not isinstance(rows[-1][0], int):
            break
        after = rows[-1][0]
    return batches


def read_changes(
    connection: sqlite3.Connection, project: str, session: str, limit: int, damages: list[Found]
) -> list[MoodChange]:
    found = connection.execute(_SESSION, (project, session)).fetchone()
    rows = connection.execute(_CHANGES, (found[0], limit)).fetchall() if found else []
    return changes_of(rows, project, session, damages)


def read_producer_state(
    connection: sqlite3.Connection, project: str, session: str, producer: str, before: int | None
) -> tuple[ProducerState | None, int]:
    """From the newest rows of the session's log, or those before version `before`; and the version to go on before, 0
    where that was all."""
    id, newest = connection.execute(_NEWEST_VERSION, (project, session)).fetchone()
    if not isinstance(newest, int):
        return None, 0
    last = newest if before is None else before - 1
    found = connection.execute(_NUMBERING, (id, last, last - LOG_PART, producer)).fetchone()
    return (ProducerState(*found), 0) if found else (None, max(last - LOG_PART + 1, 0))


def read_versions(connection: sqlite3.Connection, names: Sequence[tuple[str, str]]) -> list[int]:
    """The newest version of each in the log, 0 where there is none."""
    found = [connection.execute(_NEWEST_VERSION, name).fetchone()[1] for name in names]
    return [version if isinstance(version, int) else 0 for version in found]


def read_lagging(connection: sqlite3.Connection, within: int, after: tuple[int, int] | None) -> Lagging:
    """`after`: the row of the log to look before, and from when on (ms) rows matter."""
    before, since = after or (2**63 - 1, None)
    first, newest = connection.execute(_LOG_PART, (before, LOG_PART)).fetchone()
    if not isinstance(newest, int):
        return Lagging([], None)
    since = newest - within if since is None else since
    names = connection.execute(_LAGGING, (first, before)).fetchall()
    return Lagging(names, (first, since) if newest >= since else None)


def read_elements(connection: sqlite3.Connection, limit: int) -> list[ElementRow]:
    """The latest used, the longest unused of them first."""
    rows = reversed(connection.execute(_ELEMENTS, (limit,)).fetchall())
    return [ElementRow(*row) for row in rows if fits(ElementRow, row)]


def read_due(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[str, str]]:
    (names,) = connection.execute(_DUE, (before, limit)).fetchone()
    return msgspec.json.decode(names, type=list[tuple[str, str]])


def read_names(
    connection: sqlite3.Connection, after: int, limit: int
) -> tuple[list[tuple[str, str]], int | None]:
    """Project and id of at most `limit` sessions behind the row `after`; the last row, None at the end."""
    last, count, names = connection.execute(_NAMES, (after, limit)).fetchone()
    return msgspec.json.decode(names, type=list[tuple[str, str]]), last if count == limit else None


def count_sessions(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
    return count


def read_sessions(
    connection: sqlite3.Connection, filters: Filters, after: Position | None, limit: int
) -> tuple[list[SessionRow], list[HistoryRow | None]]:
    """Newest activity first, from just after the session of `after`. Each list is a walk along an index, as
    long as the answer; one along each kind of session where they are chosen by their traits."""
    connection.execute("BEGIN")  # all as of one moment
    try:
        ids = _listed(connection, filters, after, limit)
        rows = connection.execute(_LISTED, (msgspec.json.encode(ids).decode(),)).fetchall()
    finally:
        connection.execute("COMMIT")
    return [session_row(row[1 : HISTORY_AT + 1]) for row in rows], [
        history_of(row[HISTORY_AT + 1 :]) for row in rows
    ]


def _listed(
    connection: sqlite3.Connection, filters: Filters, after: Position | None, limit: int
) -> list[int]:
    """The ids of the list's next sessions."""
    project, page, traits = filters.project, filters.page, filters.traits
    of = ["project = ?"]
    named: list[Any] = [project]
    if page is not None:
        of.append("page = ?")
        named.append(page)
    where, values = [*of, SOUND, "version > 0"], list(named)
    for moment in (filters.active_since, filters.since):
        if moment is not None:
            where.append("last_at >= ?")
            values.append(moment)
    for moment in (filters.quiet_since, filters.before):
        if moment is not None:
            where.append("last_at < ?")
            values.append(moment)
    if after is not None:
        # Erased since: then nothing says where among the sessions of that millisecond, so show them again.
        where.append(
            "(last_at, id) < (?, ifnull((SELECT id FROM sessions WHERE project = ? AND session = ?), ?))"
        )
        values += [after.last_at, project, after.session, 2**63 - 1]
    if page is None and traits is None:
        newest = (
            "SELECT id FROM sessions INDEXED BY ix_sessions_recent "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY last_at DESC, id DESC LIMIT ?"
        )
        return [id for (id,) in connection.execute(newest, (*values, limit))]
    wanted = (traits.mask, msgspec.json.encode(traits.values).decode()) if traits else (0, "[0]")
    kinds = connection.execute(_TRAITS.format(where=" AND ".join(of)), (*named, *named, *wanted)).fetchall()
    index = "ix_sessions_traits" if page is None else "ix_sessions_page"
    found = connection.execute(
        _NEWEST.format(index=index, where=" AND ".join(where)),
        (msgspec.json.encode([kind for (kind,) in kinds]).decode(), *values, limit, limit),
    )
    return [id for (id,) in found]


# Walks from project to project in the index, so that age alone needs no index of its own.
_PROJECTS = """
WITH RECURSIVE projects (project) AS (
  SELECT min(project) FROM sessions
  UNION ALL
  SELECT (SELECT min(project) FROM sessions WHERE project > projects.project) FROM projects
  WHERE projects.project IS NOT NULL
)
"""
_EXPIRED = f"""
{_PROJECTS} SELECT old.project, old.session
FROM projects CROSS JOIN sessions AS old INDEXED BY ix_sessions_recent
WHERE old.project = projects.project AND old.last_at < ? AND typeof(old.session) = 'text' AND NOT EXISTS (
  SELECT 1 FROM damages AS d
  WHERE d.project = old.project AND d.session = old.session AND d.part = 'retention'
)
LIMIT ?
"""  # noqa: S608
_LAST_EVENT = f"""
{_PROJECTS} SELECT max((
  SELECT max(last_at) FROM sessions INDEXED BY ix_sessions_recent WHERE project = projects.project
)) FROM projects
"""  # noqa: S608


def read_expired(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[str, str]]:
    return connection.execute(_EXPIRED, (before, limit)).fetchall()


def read_newest(connection: sqlite3.Connection) -> int | None:
    (newest,) = connection.execute(_LAST_EVENT).fetchone()
    return None if newest is None else int(newest)


def read_clock(connection: sqlite3.Connection) -> int | None:
    found = connection.execute("SELECT seen_at FROM clock").fetchone()
    return int(found[0]) if found else None


def read_keys(connection: sqlite3.Connection, damages: list[Found]) -> list[Key]:
    return keys_of(connection.execute(_KEYS).fetchall(), damages)


def read_secret(connection: sqlite3.Connection, name: str) -> bytes | None:
    found = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return found[0] if found else None
