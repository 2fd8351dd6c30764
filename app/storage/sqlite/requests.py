"""Requests to erase, from a command to the server that has the sessions in memory: functions of a connection.

`sqlite_jobs.erase_session` removes a session's request in the transaction that erases it: a request left over
would also take the session that begins under the same id afterwards.
"""

import sqlite3

AT_ONCE = 100

_PENDING = """
SELECT EXISTS (SELECT 1 FROM erase_requests WHERE project = ? AND session = ?) OR EXISTS (SELECT 1 FROM wipes)
"""
_REQUESTS = """
SELECT project, session FROM erase_requests AS r WHERE NOT EXISTS (
  SELECT 1 FROM damages AS d WHERE d.project = r.project AND d.session = r.session AND d.part = 'erase'
)
LIMIT ?
"""


def add_request(connection: sqlite3.Connection, project: str, session: str) -> bool:
    """Whether the session is kept."""
    connection.execute(
        "INSERT INTO erase_requests (project, session) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (project, session),
    )
    kept = connection.execute("SELECT 1 FROM sessions WHERE project = ? AND session = ?", (project, session))
    return kept.fetchone() is not None


def remove_request(connection: sqlite3.Connection, project: str, session: str) -> bool:
    """False if there was none."""
    removed = connection.execute(
        "DELETE FROM erase_requests WHERE project = ? AND session = ?", (project, session)
    )
    return removed.rowcount > 0


def read_requests(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Project and session of some, at most AT_ONCE; not those that failed for a reason of their own."""
    return connection.execute(_REQUESTS, (AT_ONCE,)).fetchall()


def is_pending(connection: sqlite3.Connection, project: str, session: str) -> bool:
    return bool(connection.execute(_PENDING, (project, session)).fetchone()[0])
