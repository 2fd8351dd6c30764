"""What is written to Postgres besides entries: functions of a connection."""

import os
from collections.abc import Sequence

import msgspec

from app.storage import Damage, ElementRow, Key
from app.storage.postgres.connection import Connection
from app.storage.postgres.rows import session_id, text
from app.storage.rows import (
    DAMAGE_COLUMNS,
    ELEMENT_COLUMNS,
    KEY_COLUMNS,
    SECRET_BYTES,
    key_of,
    key_values,
    quota_digest,
)

_ELEMENT_VALUES = ELEMENT_COLUMNS.split(", ")[2:]
_REPLACE = ", ".join(f"{name} = excluded.{name}" for name in _ELEMENT_VALUES)


async def make_secret(connection: Connection, name: str) -> bytes:
    """The secret of this name, made now if there is none."""
    await connection.execute(
        "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        os.urandom(SECRET_BYTES),
    )
    found: bytes = await connection.fetchval("SELECT value FROM secrets WHERE name = $1", name)
    return found


async def erase_session(connection: Connection, project: str, session: str) -> bool:
    """False if it is unknown."""
    erased = await _erase(connection, [(project, session)], None)
    await remove_request(connection, project, session)
    return erased > 0


async def expire_sessions(connection: Connection, names: Sequence[tuple[str, str]], before: int) -> int:
    return await _erase(connection, names, before)


async def _erase(connection: Connection, names: Sequence[tuple[str, str]], before: int | None) -> int:
    """How many went: those whose last activity was before `before` (ms), or all of them."""
    ids = [session_id(*name) for name in names]
    # Whoever appends waits at the head, and finds none afterwards.
    heads = await connection.fetch(
        "SELECT id, day FROM heads WHERE id = ANY ($1) ORDER BY id FOR UPDATE", ids
    )
    found = await connection.fetch(
        "SELECT id, project, session FROM sessions WHERE id = ANY ($1) AND ($2::bigint IS NULL OR last_at < $2)",
        ids,
        before,
    )
    gone = [row["id"] for row in found]
    if not gone:
        return 0
    days = sorted({row["day"] for row in heads})
    await connection.execute("DELETE FROM log WHERE day = ANY ($2) AND id = ANY ($1)", gone, days)
    for table in ("changes", "snapshots", "histories", "sessions", "heads"):
        await connection.execute(f"DELETE FROM {table} WHERE id = ANY ($1)", gone)  # noqa: S608
    projects = [row["project"] for row in found]
    sessions = [row["session"] for row in found]
    await connection.execute(
        "DELETE FROM damages USING unnest($1::text[], $2::text[]) AS u (project, session) "
        "WHERE damages.project = u.project AND damages.session = u.session",
        projects,
        sessions,
    )
    secret = await make_secret(connection, "quota")
    await connection.execute(
        "DELETE FROM quota_sessions AS q USING unnest($1::bytea[], $2::text[]) AS u (digest, project), keys "
        "WHERE q.digest = u.digest AND keys.id = q.key_id AND keys.project = u.project",
        [quota_digest(secret, session) for session in sessions],
        projects,
    )
    return len(gone)


async def add_request(connection: Connection, project: str, session: str) -> bool:
    """Whether the session is kept."""
    await connection.execute(
        "INSERT INTO erase_requests (project, session) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        text(project),
        text(session),
    )
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1)", session_id(project, session)
        )
    )


async def remove_request(connection: Connection, project: str, session: str) -> bool:
    """False if there was none."""
    removed = await connection.execute(
        "DELETE FROM erase_requests WHERE project = $1 AND session = $2", text(project), text(session)
    )
    return bool(removed != "DELETE 0")


async def note_clock(connection: Connection, at: int) -> None:
    await connection.execute(
        "INSERT INTO clock (id, seen_at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        at,
    )


async def count_session(
    connection: Connection, key_id: str, month: str, session: str, limit: int | None
) -> int:
    """In a transaction. Those who count for one key take turns, so that none goes past its limit."""
    digest = quota_digest(await make_secret(connection, "quota"), session)
    await connection.execute(
        "INSERT INTO quotas (key_id, month, used) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING", key_id, month
    )
    used: int = await connection.fetchval(
        "SELECT used FROM quotas WHERE key_id = $1 AND month = $2 FOR UPDATE", key_id, month
    )
    known = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM quota_sessions WHERE digest = $1 AND key_id = $2 AND month = $3)",
        digest,
        key_id,
        month,
    )
    if known:
        return used if limit is None else min(used, limit)
    if limit is not None and used >= limit:
        return limit + 1
    await connection.execute(
        "INSERT INTO quota_sessions (digest, key_id, month) VALUES ($1, $2, $3)", digest, key_id, month
    )
    await connection.execute(
        "UPDATE quotas SET used = used + 1 WHERE key_id = $1 AND month = $2", key_id, month
    )
    if used == 0:
        # A new month: who was counted in the months before no longer matters, only how many.
        await connection.execute("DELETE FROM quota_sessions WHERE key_id = $1 AND month < $2", key_id, month)
    return used + 1


async def write_elements(connection: Connection, rows: Sequence[ElementRow], before: int) -> None:
    """Replace the rows of these elements. Those that were not used since `before` (ms; 0: none) go."""
    await connection.executemany(
        f"INSERT INTO elements ({ELEMENT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "  # noqa: S608
        f"ON CONFLICT (project, target) DO UPDATE SET {_REPLACE}",
        [(row.project, text(row.target), *msgspec.structs.astuple(row)[2:]) for row in rows],
    )
    if before:
        await connection.execute("DELETE FROM elements WHERE at < $1", before)


async def insert_key(connection: Connection, new: Key) -> None:
    await connection.execute(
        f"INSERT INTO keys ({KEY_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",  # noqa: S608
        *key_values(new),
    )


async def revoke_key(connection: Connection, key_id: str, at: int) -> Key | None:
    """Keeps the time of the first revocation."""
    await connection.execute(
        "UPDATE keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", key_id, at
    )
    found = await connection.fetchrow(f"SELECT {KEY_COLUMNS} FROM keys WHERE id = $1", key_id)  # noqa: S608
    return key_of(tuple(found)) if found else None


async def write_probe(connection: Connection, at: int) -> None:
    await connection.execute(
        "INSERT INTO probe (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at", at
    )


async def insert_damage(connection: Connection, damage: Damage) -> None:
    await connection.execute(
        f"INSERT INTO damages ({DAMAGE_COLUMNS}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",  # noqa: S608
        *(text(value) if isinstance(value, str) else value for value in msgspec.structs.astuple(damage)),
    )


async def forget_quarantine(connection: Connection) -> None:
    """At a start: sessions that could not be read at all, or not erased, get another try."""
    await connection.execute("DELETE FROM damages WHERE part IN ('session', 'erase', 'retention')")
