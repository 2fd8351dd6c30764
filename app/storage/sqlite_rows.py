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
    "version, created_at, last_at, event_count, mood, confidence, suggested_action, mood_at, traits, page, due_at, "
    "publishable, nonce"
)
SESSION_COLUMNS: Final = f"project, session, {_SESSION}"
BATCH_COLUMNS: Final = "version, at, producer, first_seq, last_seq, reports, count, events"
CHANGE_COLUMNS: Final = "at, mood, previous, confidence, suggested_action, signals, event_count, page"
SNAPSHOT_COLUMNS: Final = "version, state"
PRODUCER_COLUMNS: Final = "producer, last_seq, reports"
HISTORY_COLUMNS: Final = "worst_mood, worst_confidence, worst_at, worst_page, evidence, offers"

#: A row: what it is (a key of `_INTO`), project, session, and values, _NOTHING for the rest.
Row = tuple[Any, ...]

_SESSION_VALUES: Final = _SESSION.count(",") + 1
_VALUES: Final = _SESSION_VALUES + BATCH_COLUMNS.count(",") + 1
_NAMES: Final = ("kind", "project", "session", *(f"c{n}" for n in range(_VALUES)))
# Not None: `sqlite3` takes 0.4 us to bind that, ten times what a number takes. No version or time is negative.
_NOTHING: Final = -1
_NO_SESSION: Final = (_NOTHING,) * _SESSION_VALUES
_NO_ROW: Final = (_NOTHING,) * len(_NAMES)

# Few sizes, so that each is compiled once; what is missing is filled up with rows that are nothing.
_SIZES: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)
MAX_ROWS: Final = _SIZES[-1]

_PLACEHOLDERS: Final = f"({', '.join('?' * len(_NAMES))})"
_INSERT: Final = "INSERT INTO temp.kept_rows VALUES "
_STATEMENTS: Final = [_INSERT + ", ".join([_PLACEHOLDERS] * size) for size in _SIZES]

# A session's integer id is looked up in the row just written (hot in the cache) rather than remembered here:
# a remembered one is wrong after an erasure by somebody else.
_ID: Final = "(SELECT id FROM sessions WHERE project = NEW.project AND session = NEW.session)"


def _into(
    table: str, columns: str, on_conflict: str, *, first: int = 0, key: str = "session_id", of: str = _ID
) -> str:
    """An insert of the values from `first` on, unless that one is nothing."""
    values = ", ".join(f"NEW.c{first + n}" for n in range(columns.count(",") + 1))
    return (
        f"INSERT INTO {table} ({key}, {columns}) "
        f"SELECT {of}, {values} WHERE NEW.c{first} <> {_NOTHING} {on_conflict}"
    )


_SESSIONS: Final = _into(
    "sessions",
    _SESSION,
    "ON CONFLICT (project, session) DO UPDATE SET version = excluded.version, last_at = excluded.last_at, "
    "event_count = excluded.event_count, mood = excluded.mood, confidence = excluded.confidence, "
    "suggested_action = excluded.suggested_action, mood_at = excluded.mood_at, traits = excluded.traits, "
    "page = excluded.page, due_at = excluded.due_at, publishable = excluded.publishable, nonce = excluded.nonce",
    key="project, session",
    of="NEW.project, NEW.session",
)
_LOG: Final = _into("log", BATCH_COLUMNS, "", first=_SESSION_VALUES)

# "entry" fails where the log has such a batch already: two writers of one session. "entry again" is for what a
# failed commit may have kept all the same.
_INTO: Final = {
    "entry": f"{_SESSIONS}; {_LOG}",
    "entry again": f"{_SESSIONS}; {_LOG} ON CONFLICT (session_id, version) DO NOTHING",
    "snapshot": _into(
        "snapshots",
        SNAPSHOT_COLUMNS,
        "ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, state = excluded.state",
    ),
    "change": _into("changes", CHANGE_COLUMNS, "ON CONFLICT (session_id, at, mood) DO NOTHING"),
    "history": _into(
        "histories",
        HISTORY_COLUMNS,
        "ON CONFLICT (session_id) DO UPDATE SET worst_mood = excluded.worst_mood, "
        "worst_confidence = excluded.worst_confidence, worst_at = excluded.worst_at, "
        "worst_page = excluded.worst_page, evidence = excluded.evidence, offers = excluded.offers",
    ),
    "producer": _into(
        "producers",
        PRODUCER_COLUMNS,
        "ON CONFLICT (session_id, producer) DO UPDATE SET last_seq = excluded.last_seq, "
        "reports = excluded.reports WHERE excluded.last_seq >= last_seq",
    ),
}


def prepare(connection: sqlite3.Connection) -> None:
    """Before the first `insert_rows` of a connection, and after migrations: those may not like the triggers."""
    columns = ", ".join(f"NULL AS {name}" for name in _NAMES)
    for view in ("kept_rows", "kept_seldom"):
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT {columns}")
    for kind, inserts in _INTO.items():
        view = "kept_rows" if kind == "entry" else "kept_seldom"
        _trigger(connection, kind, view, f"NEW.kind = '{kind}'", inserts)
    # Each trigger of a view is called for each of its rows, which takes 1 us whatever it says: so what comes seldom
    # is passed on by one to a view of its own.
    row = ", ".join(f"NEW.{name}" for name in _NAMES)
    pass_on = f"INSERT INTO kept_seldom VALUES ({row})"  # noqa: S608
    _trigger(connection, "seldom", "kept_rows", f"NEW.kind NOT IN ('entry', {_NOTHING})", pass_on)


def _trigger(connection: sqlite3.Connection, name: str, view: str, when: str, statements: str) -> None:
    connection.execute(
        f"CREATE TEMP TRIGGER keep_{name.replace(' ', '_')} INSTEAD OF INSERT ON {view} "
        f"WHEN {when} BEGIN {statements}; END"
    )


def entry_row(
    kind: str, project: str, session: str, values: Sequence[Any] | None, batch: Sequence[Any] | None
) -> Row:
    """`values`: the session's own columns, None where another row has them; `batch`: the log's, if any."""
    return filled((kind, project, session, *(values or _NO_SESSION), *(batch or ())))


def filled(row: Row) -> Row:
    return (*row, *_NO_ROW[len(row) :])


def insert_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Insert in order. Up to MAX_ROWS are all or nothing; more need a transaction around."""
    for start in range(0, len(rows), MAX_ROWS):
        part = rows[start : start + MAX_ROWS]
        which = bisect_left(_SIZES, len(part))
        values = [*chain.from_iterable(part), *(_NO_ROW * (_SIZES[which] - len(part)))]
        # Not `execute`: that gives the lock away once more, to ask for the last row's id.
        connection.executemany(_STATEMENTS[which], [values])
