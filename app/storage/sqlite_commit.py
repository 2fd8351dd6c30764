"""The hot commit: one group, one transaction, in the writing thread.

Driver-level SQL: building statements through SQLAlchemy costs more here than SQLite's own work.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app import errors
from app.storage import Entry, MoodChange
from app.storage.queue import Group, Job, Outcome
from app.storage.sqlite_damage import is_corrupt
from app.storage.sqlite_rows import MAX_ROWS, Row, entry_row, filled, insert_rows

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
    rows = _rows(group.entries, group.repeated)
    try:
        if len(rows) <= MAX_ROWS and not group.jobs:
            insert_rows(connection, rows)
            return Outcome([])
        with transaction(connection):
            insert_rows(connection, rows)
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
                insert_rows(connection, _rows([entry], group.repeated))
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
        if is_environment(error) and not is_corrupt(error):
            raise
        connection.execute("ROLLBACK TO job")
        result = error
        if is_corrupt(error):  # pages that this job alone may need
            result = errors.Damaged(f"the database is damaged: {error}")
    connection.execute("RELEASE job")
    return result


def _rows(entries: Sequence[Entry], repeated: bool) -> list[Row]:
    """A session's own row is written with its first entry, as its last one has it: everything else points at it."""
    kind = "entry again" if repeated else "entry"
    latest = {(entry.row.project, entry.row.session): entry.row for entry in entries}
    snapshots: dict[tuple[str, str], Row] = {}
    histories: dict[tuple[str, str], Row] = {}
    rows: list[Row] = []
    for entry in entries:
        name = (entry.row.project, entry.row.session)
        session = latest.pop(name, None)
        values = None if session is None else msgspec.structs.astuple(session)[2:]
        batch = None if entry.batch is None else msgspec.structs.astuple(entry.batch)
        if values or batch:
            rows.append(entry_row(kind, *name, values, batch))
        rows += [filled(("change", *name, *_change_values(change))) for change in entry.changes]
        rows += [filled(("producer", *name, *msgspec.structs.astuple(each))) for each in entry.put_away]
        if entry.snapshot is not None:
            snapshots[name] = filled(("snapshot", *name, entry.row.version, entry.snapshot))
        if entry.history is not None:
            histories[name] = filled(("history", *name, *msgspec.structs.astuple(entry.history)))
    return [*rows, *snapshots.values(), *histories.values()]


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
