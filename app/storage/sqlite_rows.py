"""Rows of several tables in one statement, which is then a transaction of its own.

Python's lock is what a commit waits for most beside a busy event loop: `sqlite3` gives it away three times for
each statement, and gets it back only when the loop's thread is made to let go (server.SWITCH_INTERVAL). BEGIN, an
insert for each table and COMMIT took 1.9 ms beside a busy thread, one statement 0.9 ms; alone both take 0.45 ms.
So all rows go into one temporary view, whose triggers put each into its table.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

_SESSION: Final = (
    "version, created_at, last_at, event_count, mood, confidence, suggested_action, page, due_at, publishable"
)
SESSION_COLUMNS: Final = f"project, session, {_SESSION}"
BATCH_COLUMNS: Final = "version, at, producer, first_seq, last_seq, reports, count, events"
CHANGE_COLUMNS: Final = "at, mood, previous, confidence, suggested_action, signals, event_count, page"
SNAPSHOT_COLUMNS: Final = "version, state"
PRODUCER_COLUMNS: Final = "producer, last_seq, reports"

#: A row: what it is (a key of `_INTO`), project, session, and the table's columns after these, None for the rest.
Row = tuple[Any, ...]

_VALUES: Final = 10
_WIDTH: Final = 3 + _VALUES
# Few sizes, so that each is compiled once; what is missing is filled up with rows that are nothing.
_SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
MAX_ROWS: Final = _SIZES[-1]
_NOTHING: Final = (None,) * _WIDTH

_PLACEHOLDERS: Final = f"({', '.join('?' * _WIDTH)})"
_INSERT: Final = "INSERT INTO temp.kept_rows VALUES "
_STATEMENTS: Final = [_INSERT + ", ".join([_PLACEHOLDERS] * size) for size in _SIZES]

# A session's integer id is looked up in the row just written (hot in the cache) rather than remembered here:
# a remembered one is wrong after an erasure by somebody else.
_ID: Final = "(SELECT id FROM sessions WHERE project = NEW.project AND session = NEW.session)"


def _into(table: str, columns: str, on_conflict: str, key: str = "session_id", of: str = _ID) -> str:
    values = ", ".join(f"NEW.c{n}" for n in range(columns.count(",") + 1))
    return f"INSERT INTO {table} ({key}, {columns}) VALUES ({of}, {values}) {on_conflict}"  # noqa: S608


# "log" fails where the log has such a batch already: two writers of one session. "log again" is for what a failed
# commit may have kept all the same.
_INTO: Final = {
    "session": _into(
        "sessions",
        _SESSION,
        "ON CONFLICT (project, session) DO UPDATE SET version = excluded.version, last_at = excluded.last_at, "
        "event_count = excluded.event_count, mood = excluded.mood, confidence = excluded.confidence, "
        "suggested_action = excluded.suggested_action, page = excluded.page, due_at = excluded.due_at, "
        "publishable = excluded.publishable",
        "project, session",
        "NEW.project, NEW.session",
    ),
    "log": _into("log", BATCH_COLUMNS, ""),
    "log again": _into("log", BATCH_COLUMNS, "ON CONFLICT (session_id, version) DO NOTHING"),
    "snapshot": _into(
        "snapshots",
        SNAPSHOT_COLUMNS,
        "ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, state = excluded.state",
    ),
    "change": _into("changes", CHANGE_COLUMNS, "ON CONFLICT (session_id, at, mood) DO NOTHING"),
    "producer": _into(
        "producers",
        PRODUCER_COLUMNS,
        "ON CONFLICT (session_id, producer) DO UPDATE SET last_seq = excluded.last_seq, "
        "reports = excluded.reports WHERE excluded.last_seq >= last_seq",
    ),
}


def prepare(connection: sqlite3.Connection) -> None:
    """Before the first `insert_rows` of a connection, and after migrations: those may not like the triggers."""
    names = ["kind", "project", "session", *(f"c{n}" for n in range(_VALUES))]
    connection.execute(
        f"CREATE TEMP VIEW kept_rows AS SELECT {', '.join(f'NULL AS {name}' for name in names)}"
    )
    for kind, insert in _INTO.items():
        connection.execute(
            f"CREATE TEMP TRIGGER kept_{kind.replace(' ', '_')} INSTEAD OF INSERT ON kept_rows "
            f"WHEN NEW.kind = '{kind}' BEGIN {insert}; END"
        )


def row(kind: str, project: str, session: str, values: Sequence[Any]) -> Row:
    return (kind, project, session, *values, *_NOTHING[3 + len(values) :])


def insert_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert in order. Up to MAX_ROWS are all or nothing; more need a transaction around."""
    for start in range(0, len(rows), MAX_ROWS):
        part = rows[start : start + MAX_ROWS]
        which = bisect_left(_SIZES, len(part))
        values = [*chain.from_iterable(part), *(_NOTHING * (_SIZES[which] - len(part)))]
        # Not `execute`: that gives the lock away once more, to ask for the last row's id.
        connection.executemany(_STATEMENTS[which], [values])
