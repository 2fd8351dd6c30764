"""What is read from Postgres: functions of a connection."""

from collections.abc import Sequence
from typing import Any, Final

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
from app.storage.damage import MAX_READ, Found
from app.storage.postgres.connection import Connection
from app.storage.postgres.rows import session_id, text
from app.storage.rows import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    DAMAGE_COLUMNS,
    ELEMENT_COLUMNS,
    HISTORY_AT,
    HISTORY_COLUMNS,
    KEY_COLUMNS,
    SESSION_COLUMNS,
    batches_of,
    changes_of,
    history_of,
    keys_of,
    quota_digest,
)

#: Rows that are looked at in one go where no index leads to what is wanted.
_PART: Final = 2048
#: A session that was given out as due is not due again for so long (ms), should whoever got it die over it.
CLAIM_MS: Final = 10_000

_SESSION = f"SELECT {SESSION_COLUMNS} FROM sessions WHERE id = $1"  # noqa: S608
_OF_SESSIONS = ", ".join(f"s.{name}" for name in SESSION_COLUMNS.split(", "))
_STORED = f"""
SELECT {_OF_SESSIONS}, {HISTORY_COLUMNS}, heads.day, heads.incarnation, n.version AS snapshot_version, n.state
FROM sessions AS s JOIN heads USING (id) LEFT JOIN histories USING (id) LEFT JOIN snapshots AS n USING (id)
WHERE id = $1
"""  # noqa: S608
_BATCHES = f"""
SELECT {BATCH_COLUMNS} FROM log WHERE id = $1 AND day = $2 AND version > $3 ORDER BY version LIMIT $4
"""  # noqa: S608
_DAY = "SELECT day FROM heads WHERE id = $1"
_DUE_ONES = """
SELECT id, project, session, due_at FROM sessions AS s
WHERE due_at <= $1 AND NOT EXISTS (
  SELECT 1 FROM damages AS d WHERE d.project = s.project AND d.session = s.session AND d.part = 'session'
)
ORDER BY due_at LIMIT $2
"""
_CLAIM = f"""
WITH due AS ({_DUE_ONES} FOR UPDATE OF s SKIP LOCKED), claimed AS (
  UPDATE sessions SET due_at = $1 + {CLAIM_MS} FROM due WHERE sessions.id = due.id
)
SELECT project, session FROM due ORDER BY due_at
"""  # noqa: S608
# Walks from project to project in the index, so that age alone needs no index of its own.
_PROJECTS = """
WITH RECURSIVE projects (project) AS (
  (SELECT min(project) FROM sessions)
  UNION ALL
  SELECT (SELECT min(project) FROM sessions WHERE project > projects.project) FROM projects
  WHERE projects.project IS NOT NULL
)
"""
_EXPIRED = f"""
{_PROJECTS} SELECT old.project, old.session
FROM projects CROSS JOIN LATERAL (
  SELECT project, session, last_at FROM sessions AS s
  WHERE s.project = projects.project AND last_at < $1 AND NOT EXISTS (
    SELECT 1 FROM damages AS d WHERE d.project = s.project AND d.session = s.session AND d.part = 'retention'
  )
  ORDER BY s.last_at LIMIT $2
) AS old
ORDER BY old.last_at LIMIT $2
"""  # noqa: S608
_NEWEST = f"""
{_PROJECTS} SELECT max((SELECT max(last_at) FROM sessions WHERE project = projects.project)) FROM projects
"""  # noqa: S608
# By when they were last seen, as far as their rows know, which lag by no more than is looked at.
_LAGGING = f"""
{_PROJECTS}, recent AS (
  SELECT s.* FROM projects CROSS JOIN LATERAL (
    SELECT id, project, session, version, last_at FROM sessions WHERE project = projects.project AND last_at > $1
    ORDER BY last_at FETCH FIRST {_PART} ROWS WITH TIES
  ) AS s ORDER BY last_at FETCH FIRST {_PART} ROWS WITH TIES
)
SELECT project, session, last_at, heads.version > recent.version AS lags FROM recent JOIN heads USING (id)
"""  # noqa: S608
# The traits that sessions of a project, or on a page of it, have, found by leaps in the index.
_TRAITS = """
WITH RECURSIVE found (traits) AS (
  (SELECT min(traits) FROM sessions WHERE {where})
  UNION ALL
  SELECT (SELECT min(traits) FROM sessions WHERE {where} AND traits > found.traits) FROM found
  WHERE found.traits IS NOT NULL
)
SELECT traits FROM found WHERE traits IS NOT NULL AND traits & {mask} = ANY ({values})
"""


async def read_row(connection: Connection, project: str, session: str) -> SessionRow | None:
    found = await connection.fetchrow(_SESSION, session_id(project, session))
    return SessionRow(*found) if found else None


async def read_stored(
    connection: Connection, project: str, session: str, damages: list[Found]
) -> Stored | None:
    """Row and snapshot as of one moment, and the log after it, which may be longer by then."""
    id = session_id(project, session)
    found = await connection.fetchrow(_STORED, id)
    if found is None:
        return None
    values = tuple(found)
    *history, day, incarnation, version, state = values[HISTORY_AT:]
    rows = await connection.fetch(_BATCHES, id, day, version or 0, None)
    return Stored(
        SessionRow(*values[:HISTORY_AT]),
        state,
        version or 0,
        batches_of(rows, project, session, damages),
        history_of(history),
        incarnation,
    )


async def read_batches(
    connection: Connection,
    project: str,
    session: str,
    after: int,
    limit: int,
    incarnation: int,
    damages: list[Found],
) -> list[Batch]:
    """None where the session is another by now; `incarnation` 0: any will do."""
    id = session_id(project, session)
    day = await connection.fetchval(f"{_DAY} AND ($2::bigint = 0 OR incarnation = $2)", id, incarnation)
    rows = [] if day is None else await connection.fetch(_BATCHES, id, day, after, limit)
    return batches_of(rows, project, session, damages)


async def read_changes(
    connection: Connection, project: str, session: str, limit: int, damages: list[Found]
) -> list[MoodChange]:
    rows = await connection.fetch(
        f"SELECT {CHANGE_COLUMNS} FROM changes WHERE id = $1 ORDER BY at, place LIMIT $2",  # noqa: S608
        session_id(project, session),
        limit,
    )
    return changes_of((tuple(row) for row in rows), project, session, damages)


async def read_producer_state(
    connection: Connection, project: str, session: str, producer: str
) -> ProducerState | None:
    id = session_id(project, session)
    day = await connection.fetchval(_DAY, id)
    if day is None:
        return None
    found = await connection.fetchrow(
        "SELECT producer, last_seq, reports FROM log WHERE id = $1 AND day = $2 AND producer = $3 "
        "ORDER BY version DESC LIMIT 1",
        id,
        day,
        text(producer),
    )
    return None if found is None else ProducerState(producer, *tuple(found)[1:])


async def read_now(connection: Connection) -> float:
    return float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp()) * 1000"))


async def read_versions(
    connection: Connection, names: Sequence[tuple[str, str]], incarnations: Sequence[int] | None
) -> list[int]:
    ids = [session_id(*name) for name in names]
    rows = await connection.fetch("SELECT id, version, incarnation FROM heads WHERE id = ANY ($1)", ids)
    found = {id: (version, incarnation) for id, version, incarnation in rows}
    versions = []
    for id, known in zip(ids, incarnations or [0] * len(ids), strict=True):
        version, incarnation = found.get(id, (0, 0))
        versions.append(version if known in (0, incarnation) else 0)
    return versions


async def read_due(connection: Connection, before: int, limit: int) -> list[tuple[str, str]]:
    rows = await connection.fetch(_DUE_ONES, before, limit)
    return [(row["project"], row["session"]) for row in rows]


async def claim_due(connection: Connection, before: int, limit: int) -> list[tuple[str, str]]:
    """As `read_due`, for this node alone: the others do not find them for CLAIM_MS."""
    return [tuple(row) for row in await connection.fetch(_CLAIM, before, limit)]


async def read_lagging(connection: Connection, within: int, after: tuple[int, int] | None) -> Lagging:
    """`after`: the time to look after (ms), twice."""
    if after is None:
        newest = await read_newest(connection)
        if newest is None:
            return Lagging([], None)
        after = (newest - 2 * within, 0)
    rows = await connection.fetch(_LAGGING, after[0])
    names = [(row["project"], row["session"]) for row in rows if row["lags"]]
    last = max((row["last_at"] for row in rows), default=0)
    return Lagging(names, (last, 0) if len(rows) >= _PART else None)


async def read_elements(connection: Connection, limit: int) -> list[ElementRow]:
    """The latest used, the longest unused of them first."""
    rows = await connection.fetch(
        f"SELECT {ELEMENT_COLUMNS} FROM elements ORDER BY at DESC LIMIT $1",  # noqa: S608
        limit,
    )
    return [ElementRow(*row) for row in reversed(rows)]


class _Values:
    """A statement's arguments, and what they are called in it."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def add(self, value: Any) -> str:
        self.all.append(value)
        return f"${len(self.all)}"


async def read_sessions(
    connection: Connection, filters: Filters, after: Position | None, limit: int
) -> tuple[list[SessionRow], list[HistoryRow | None]]:
    """Newest activity first, from just after the session of `after`. Each list is a walk along an index, as long as the
    answer; one along each kind of session where they are chosen by their traits."""
    values = _Values()
    of = [f"project = {values.add(filters.project)}"]
    if filters.page is not None:
        of.append(f"page = {values.add(text(filters.page))}")
    where = [*of, "version > 0"]
    for moment in (filters.active_since, filters.since):
        if moment is not None:
            where.append(f"last_at >= {values.add(moment)}")
    for moment in (filters.quiet_since, filters.before):
        if moment is not None:
            where.append(f"last_at < {values.add(moment)}")
    if after is not None:
        id = session_id(filters.project, after.session)
        where.append(f"(last_at, id) < ({values.add(after.last_at)}, {values.add(id)})")
    chosen = f"SELECT id FROM sessions WHERE {' AND '.join(where)}"  # noqa: S608
    newest = f"ORDER BY last_at DESC, id DESC LIMIT {values.add(limit)}"
    if filters.page is not None or filters.traits is not None:
        mask, wanted = (filters.traits.mask, filters.traits.values) if filters.traits else (0, (0,))
        kinds = _TRAITS.format(
            where=" AND ".join(of),
            mask=f"{values.add(mask)}::bigint",
            values=f"{values.add(list(wanted))}::bigint[]",
        )
        chosen = (
            f"SELECT n.id FROM ({kinds}) AS kind CROSS JOIN LATERAL "  # noqa: S608
            f"({chosen} AND sessions.traits = kind.traits {newest}) AS n"
        )
    rows = await connection.fetch(
        f"SELECT {_OF_SESSIONS}, {HISTORY_COLUMNS} FROM sessions AS s LEFT JOIN histories USING (id) "  # noqa: S608
        f"WHERE id IN ({chosen if ' LATERAL ' in chosen else f'{chosen} {newest}'}) {newest}",
        *values.all,
    )
    listed = [tuple(row) for row in rows]
    return (
        [SessionRow(*row[:HISTORY_AT]) for row in listed],
        [history_of(row[HISTORY_AT:]) for row in listed],
    )


async def read_expired(connection: Connection, before: int, limit: int) -> list[tuple[str, str]]:
    return [tuple(row) for row in await connection.fetch(_EXPIRED, before, limit)]


async def read_newest(connection: Connection) -> int | None:
    newest: int | None = await connection.fetchval(_NEWEST)
    return newest


async def read_clock(connection: Connection) -> int | None:
    seen_at: int | None = await connection.fetchval("SELECT seen_at FROM clock")
    return seen_at


async def read_keys(connection: Connection, damages: list[Found]) -> list[Key]:
    rows = await connection.fetch(f"SELECT {KEY_COLUMNS} FROM keys ORDER BY created_at, id")  # noqa: S608
    return keys_of((tuple(row) for row in rows), damages)


async def read_secret(connection: Connection, name: str) -> bytes | None:
    value: bytes | None = await connection.fetchval("SELECT value FROM secrets WHERE name = $1", name)
    return value


async def read_requests(connection: Connection, limit: int) -> list[tuple[str, str]]:
    """Project and session of some; not those that failed for a reason of their own."""
    rows = await connection.fetch(
        "SELECT project, session FROM erase_requests AS r WHERE NOT EXISTS (SELECT 1 FROM damages AS d "
        "WHERE d.project = r.project AND d.session = r.session AND d.part = 'erase') LIMIT $1",
        limit,
    )
    return [tuple(row) for row in rows]


async def is_pending(connection: Connection, project: str, session: str) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM erase_requests WHERE project = $1 AND session = $2)",
            text(project),
            text(session),
        )
    )


async def read_damages(connection: Connection) -> list[Damage]:
    rows = await connection.fetch(
        f"SELECT {DAMAGE_COLUMNS} FROM damages ORDER BY at, session, part LIMIT {MAX_READ}"  # noqa: S608
    )
    return [Damage(*row) for row in rows]


async def sessions_counted(connection: Connection, key_id: str, month: str, session: str) -> tuple[int, bool]:
    secret = await read_secret(connection, "quota")
    used = await connection.fetchval(
        "SELECT used FROM quotas WHERE key_id = $1 AND month = $2", key_id, month
    )
    known = secret is not None and await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM quota_sessions WHERE digest = $1 AND key_id = $2 AND month = $3)",
        quota_digest(secret, session),
        key_id,
        month,
    )
    return used or 0, bool(known)
