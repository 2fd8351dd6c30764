"""What is written to SQLite besides entries: functions of a connection, each run inside a transaction."""

import os
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from app.storage import ElementRow, Key
from app.storage.damage import Found
from app.storage.rows import ELEMENT_COLUMNS, KEY_COLUMNS, SECRET_BYTES, key_of, key_values, quota_digest
from app.storage.sqlite.commit import is_environment
from app.storage.sqlite.damage import is_corrupt
from app.storage.sqlite.reads import read_secret
from app.storage.sqlite.requests import remove_request
from app.storage.sqlite.wipe import note_erasure


def make_secret(connection: sqlite3.Connection, name: str) -> bytes:
    """The secret of this name, made now if there is none."""
    found = read_secret(connection, name)
    if found is None:
        found = os.urandom(SECRET_BYTES)
        connection.execute("INSERT INTO secrets (name, value) VALUES (?, ?)", (name, found))
    return found


def erase_session(connection: sqlite3.Connection, project: str, session: str) -> tuple[bool, bool]:
    """Whether there was such a session, and whether there is something to wipe: the request alone has its id."""
    found = connection.execute(
        "SELECT id, project, session FROM sessions WHERE project = ? AND session = ?", (project, session)
    ).fetchall()
    _erase(connection, found)
    requested = remove_request(connection, project, session)
    if requested and not found:
        note_erasure(connection)
    return bool(found), bool(found) or requested


def expire_sessions(
    connection: sqlite3.Connection, names: Sequence[tuple[str, str]], before: int
) -> tuple[int, list[Found]]:
    """How many of `names` went, and those that could not be erased: they are not tried again before the next start."""
    found: list[tuple[int, str, str]] = []
    for name in names:
        found += connection.execute(
            "SELECT id, project, session FROM sessions WHERE project = ? AND session = ? AND last_at < ?",
            (*name, before),
        ).fetchall()
    if _failure(connection, found) is None:
        return len(found), []
    damages: list[Found] = []
    for each in found:
        error = _failure(connection, [each])
        if error is not None:
            damages.append((str(each[1]), str(each[2]), "retention", f"it could not be erased: {error}"))
    return len(found) - len(damages), damages


def _failure(connection: sqlite3.Connection, found: list[tuple[int, str, str]]) -> Exception | None:
    """Erase all of `found` or none; what went wrong, unless it is the disk's fault, which is raised."""
    connection.execute("SAVEPOINT erasing")
    try:
        _erase(connection, found)
    except Exception as error:
        if is_environment(error) and not is_corrupt(error):
            raise
        connection.execute("ROLLBACK TO erasing")
        return error
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE erasing")
    return None


def note_clock(connection: sqlite3.Connection, at: int) -> None:
    connection.execute(
        "INSERT INTO clock (id, seen_at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
        (at,),
    )


def _erase(connection: sqlite3.Connection, found: list[tuple[int, str, str]]) -> None:
    ids = [(each[0],) for each in found]
    for table in ("log", "changes", "snapshots", "histories"):
        connection.executemany(f"DELETE FROM {table} WHERE session_id = ?", ids)  # noqa: S608
    connection.executemany("DELETE FROM sessions WHERE id = ?", ids)
    connection.executemany(
        "DELETE FROM damages WHERE project = ? AND session = ?", [each[1:] for each in found]
    )
    if found:
        note_erasure(connection)
        secret = make_secret(connection, "quota")
        connection.executemany(
            "DELETE FROM quota_sessions "
            "WHERE digest = ? AND key_id IN (SELECT id FROM keys WHERE project = ?)",
            [(quota_digest(secret, session), project) for _, project, session in found],
        )


def count_session(
    connection: sqlite3.Connection, key_id: str, month: str, session: str, limit: int | None = None
) -> int:
    digest = quota_digest(make_secret(connection, "quota"), session)
    if limit is not None and _used(connection, key_id, month) >= limit:
        known = connection.execute(
            "SELECT 1 FROM quota_sessions WHERE digest = ? AND key_id = ? AND month = ?",
            (digest, key_id, month),
        ).fetchone()
        return limit if known else limit + 1
    counted = connection.execute(
        "INSERT INTO quota_sessions (digest, key_id, month) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (digest, key_id, month),
    )
    if counted.rowcount:
        connection.execute(
            "INSERT INTO quotas (key_id, month, used) VALUES (?, ?, 1) "
            "ON CONFLICT (key_id, month) DO UPDATE SET used = used + 1",
            (key_id, month),
        )
    used = _used(connection, key_id, month)
    if used == 1 and counted.rowcount:
        # A new month: who was counted in the months before no longer matters, only how many.
        connection.execute("DELETE FROM quota_sessions WHERE key_id = ? AND month < ?", (key_id, month))
    return used


def sessions_counted(
    connection: sqlite3.Connection, key_id: str, month: str, session: str
) -> tuple[int, bool]:
    secret = read_secret(connection, "quota")
    known = (
        secret is not None
        and connection.execute(
            "SELECT 1 FROM quota_sessions WHERE digest = ? AND key_id = ? AND month = ?",
            (quota_digest(secret, session), key_id, month),
        ).fetchone()
    )
    return _used(connection, key_id, month), bool(known)


def _used(connection: sqlite3.Connection, key_id: str, month: str) -> int:
    found = connection.execute(
        "SELECT used FROM quotas WHERE key_id = ? AND month = ?", (key_id, month)
    ).fetchone()
    return 0 if found is None else int(found[0])


def write_elements(connection: sqlite3.Connection, rows: Sequence[ElementRow], before: int) -> None:
    """Replace the rows of these elements. Those that were not used since `before` (ms; 0: none) go."""
    connection.executemany(
        f"INSERT OR REPLACE INTO elements ({ELEMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [msgspec.structs.astuple(row) for row in rows],
    )
    if before:
        connection.execute("DELETE FROM elements WHERE at < ?", (before,))


def insert_key(connection: sqlite3.Connection, new: Key) -> None:
    connection.execute(
        f"INSERT INTO keys ({KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        key_values(new),
    )


def revoke_key(connection: sqlite3.Connection, key_id: str, at: int) -> Key | None:
    """Keeps the time of the first revocation."""
    connection.execute("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, key_id))
    found: tuple[Any, ...] | None = connection.execute(
        f"SELECT {KEY_COLUMNS} FROM keys WHERE id = ?",  # noqa: S608
        (key_id,),
    ).fetchone()
    return key_of(found) if found else None


def write_probe(connection: sqlite3.Connection, at: int) -> None:
    connection.execute(
        "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", (at,)
    )
