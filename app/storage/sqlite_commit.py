"""The hot commit: one group, one transaction, in the writing thread.

Driver-level SQL: building statements through SQLAlchemy costs more here than SQLite's own work.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app.storage import Entry, MoodChange
from app.storage.many_rows import ManyRows
from app.storage.queue import Group, Job, Outcome

SESSION_COLUMNS = (
    "project, session, version, created_at, last_at, event_count, mood, confidence, suggested_action, "
    "page, due_at, publishable"
)
BATCH_COLUMNS = "version, at, producer, first_seq, last_seq, reports, count, events"
CHANGE_COLUMNS = "at, mood, previous, confidence, suggested_action, signals, event_count, page"

# A session's integer id is looked up in the row just written (hot in the cache) rather than remembered here:
# a remembered one is wrong after an erasure by somebody else.
_ID = "(SELECT id FROM sessions WHERE project = ? AND session = ?)"

_UPSERT_SESSION = ManyRows(
    f"INSERT INTO sessions ({SESSION_COLUMNS})",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (project, session) DO UPDATE SET version = excluded.version, last_at = excluded.last_at, "
    "event_count = excluded.event_count, mood = excluded.mood, confidence = excluded.confidence, "
    "suggested_action = excluded.suggested_action, page = excluded.page, due_at = excluded.due_at, "
    "publishable = excluded.publishable",
)
_INSERT_BATCH = ManyRows(
    f"INSERT INTO log (session_id, {BATCH_COLUMNS})",
    f"({_ID}, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (session_id, version) DO NOTHING",
)
_INSERT_CHANGE = ManyRows(
    f"INSERT INTO changes (session_id, {CHANGE_COLUMNS})",
    f"({_ID}, ?, ?, ?, ?, ?, ?, ?, ?)",
    "ON CONFLICT (session_id, at, mood) DO NOTHING",
)
_UPSERT_SNAPSHOT = ManyRows(
    "INSERT INTO snapshots (session_id, version, state)",
    f"({_ID}, ?, ?)",
    "ON CONFLICT (session_id) DO UPDATE SET version = excluded.version, state = excluded.state",
)
_UPSERT_PRODUCER = ManyRows(
    "INSERT INTO producers (session_id, producer, last_seq, reports)",
    f"({_ID}, ?, ?, ?)",
    "ON CONFLICT (session_id, producer) DO UPDATE SET last_seq = excluded.last_seq, reports = excluded.reports "
    "WHERE excluded.last_seq >= last_seq",
)

# The environment's faults: worth trying again. Anything else is the entry's own.
_OURS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)


def is_environment(error: Exception) -> bool:
    """Whether the disk, a lock or the file is at fault, rather than what was to be written."""
    return isinstance(error, (sqlite3.Error, OSError, MemoryError)) and not isinstance(error, _OURS)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing. Some errors (disk full, I/O) end the transaction by themselves."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def write_group(connection: sqlite3.Connection, group: Group) -> Outcome:
    """Raises the environment's errors; a group with an entry that no database would take is written without
    it."""
    try:
        with transaction(connection):
            _insert(connection, group.entries, group.repeated)
            return Outcome([_run(connection, job) for job in group.jobs])
    except Exception as error:
        if is_environment(error):
            raise
        return _write_one_by_one(connection, group)


def _write_one_by_one(connection: sqlite3.Connection, group: Group) -> Outcome:
    refused: list[tuple[Entry, Exception]] = []
    with transaction(connection):
        for entry in group.entries:
            connection.execute("SAVEPOINT entry")
            try:
                _insert(connection, [entry], group.repeated)
            except Exception as error:
                if is_environment(error):
                    raise
                refused.append((entry, error))
                connection.execute("ROLLBACK TO entry")
            connection.execute("RELEASE entry")
        return Outcome([_run(connection, job) for job in group.jobs], refused)


def _run(connection: sqlite3.Connection, job: Job) -> Any:
    """The job's result, or what it raised: its failure must not cost the entries beside it."""
    if job.future.cancelled():
        return None
    connection.execute("SAVEPOINT job")
    try:
        result = job.work(connection)
    except Exception as error:
        if is_environment(error):
            raise
        connection.execute("ROLLBACK TO job")
        result = error
    connection.execute("RELEASE job")
    return result


def _insert(connection: sqlite3.Connection, entries: Sequence[Entry], repeated: bool) -> None:
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    snapshots: dict[tuple[str, str], tuple[Any, ...]] = {}
    batches: list[tuple[Any, ...]] = []
    changes: list[tuple[Any, ...]] = []
    put_away: list[tuple[Any, ...]] = []
    for entry in entries:
        row = entry.row
        name = (row.project, row.session)
        rows[name] = msgspec.structs.astuple(row)
        if entry.batch is not None:
            batches.append(name + msgspec.structs.astuple(entry.batch))
        if entry.snapshot is not None:
            snapshots[name] = (*name, row.version, entry.snapshot)
        if entry.changes:
            changes += [name + _change_values(change) for change in entry.changes]
        if entry.put_away:
            put_away += [name + msgspec.structs.astuple(each) for each in entry.put_away]
    _UPSERT_SESSION.insert(connection, list(rows.values()))
    if batches:
        kept = _INSERT_BATCH.insert(connection, batches)
        # After a failed commit some may be there already. At the first try that is two writers of one
        # session: say so instead of losing one's events.
        if kept != len(batches) and not repeated:
            raise sqlite3.IntegrityError("a batch of this version is in the log already")
    if snapshots:
        _UPSERT_SNAPSHOT.insert(connection, list(snapshots.values()))
    if changes:
        _INSERT_CHANGE.insert(connection, changes)
    if put_away:
        _UPSERT_PRODUCER.insert(connection, put_away)


def _change_values(change: MoodChange) -> tuple[Any, ...]:
    return (
        change.at,
        change.mood,
        change.previous,
        change.confidence,
        change.suggested_action,
        msgspec.json.encode(change.signals).decode(),
        change.event_count,
        change.page,
    )
