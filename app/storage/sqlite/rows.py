"""Rows of one table in few statements.

Python's lock is what a commit waits for most beside a busy event loop: `sqlite3` gives it away three times for each
statement, and gets it back only when the loop's thread is made to let go (server.SWITCH_INTERVAL). So rows go in
together: a group that only appends to the log is one statement, and a transaction of its own.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from app.storage.rows import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    HISTORY_COLUMNS,
    SESSION_COLUMNS,
    SNAPSHOT_COLUMNS,
)

#: Rows that a statement may have. Each size is compiled once; what comes in a group of ordinary size is one statement.
SIZES: Final = (*range(1, 33), 48, 64, 96, 128, 192, 256)

#: A session's integer id, from its project and name. Looked up in the row just written (hot in the cache, 1.5 us)
#: rather than remembered: a remembered one is wrong after an erasure by somebody else.
_ID: Final = "(SELECT id FROM sessions WHERE project = ? AND session = ?)"

Row = tuple[Any, ...]


class Insert:
    """One kind of insert. `key`: SQL for the first column or columns; `columns`: those that follow."""

    def __init__(self, table: str, key: str, values_of_key: str, columns: str, on_conflict: str = "") -> None:
        self._head = f"INSERT INTO {table} ({key}, {columns}) VALUES "  # noqa: S608
        self._one = f"({values_of_key}, {', '.join('?' * (columns.count(',') + 1))})"
        self._tail = f" {on_conflict}"
        self._statements: dict[int, str] = {}

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Insert in order. One of SIZES of rows is one statement."""
        start = 0
        while left := len(rows) - start:
            size = SIZES[bisect_right(SIZES, left) - 1]
            statement = self._statements.get(size)
            if statement is None:
                statement = self._head + ", ".join([self._one] * size) + self._tail
                self._statements[size] = statement
            # Not `execute`: that gives the lock away once more, to ask for the last row's id.
            connection.executemany(statement, [[*chain.from_iterable(rows[start : start + size])]])
            start += size


class LogInsert(Insert):
    """Rows of the log, each for a session by project and name, which is looked up by a join over all rows: 8 us a row
    where a subselect in each took 12. A session that is not there gives NULL, which the log does not take."""

    def __init__(self, on_conflict: str = "") -> None:
        columns = BATCH_COLUMNS.count(",") + 1
        super().__init__("log", "session_id", "?, ?", BATCH_COLUMNS)
        of_batch = ", ".join(f"v.column{number}" for number in range(3, columns + 3))
        self._head = f"INSERT INTO log (session_id, {BATCH_COLUMNS}) SELECT s.id, {of_batch} FROM (VALUES "  # noqa: S608
        self._tail = (
            ") v LEFT JOIN sessions s ON s.project = v.column1 AND s.session = v.column2 WHERE true "
            + on_conflict
        )


SESSIONS: Final = Insert(
    "sessions",
    "project, session",
    "?, ?",
    SESSION_COLUMNS.removeprefix("project, session, "),
    "ON CONFLICT (project, session) DO UPDATE SET version = excluded.version, created_at = excluded.created_at, "
    "last_at = excluded.last_at, event_count = excluded.event_count, mood = excluded.mood, "
    "confidence = excluded.confidence, suggested_action = excluded.suggested_action, "
    "mood_at = excluded.mood_at, traits = excluded.traits, "
    "page = excluded.page, due_at = excluded.due_at, publishable = excluded.publishable, nonce = excluded.nonce",
)
#: Fails where the log has such a version already: two writers of one session.
LOG: Final = LogInsert()
#: For what a failed commit may have written all the same.
LOG_AGAIN: Final = LogInsert("ON CONFLICT (session_id, version) DO NOTHING")
CHANGES: Final = Insert(
    "changes", "session_id", _ID, CHANGE_COLUMNS, "ON CONFLICT (session_id, at, mood) DO NOTHING"
)
SNAPSHOTS: Final = Insert(
    "snapshots",
    "session_id",
    _ID,
    SNAPSHOT_COLUMNS,
    "ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, state = excluded.state",
)
HISTORIES: Final = Insert(
    "histories",
    "session_id",
    _ID,
    HISTORY_COLUMNS,
    "ON CONFLICT (session_id) DO UPDATE SET worst_mood = excluded.worst_mood, "
    "worst_confidence = excluded.worst_confidence, worst_at = excluded.worst_at, "
    "worst_page = excluded.worst_page, evidence = excluded.evidence, offers = excluded.offers",
)
