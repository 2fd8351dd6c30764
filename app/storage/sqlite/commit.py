"""The hot commit: one group, one transaction, in the writing thread.

Driver-level SQL: building statements through SQLAlchemy costs more here than SQLite's own work.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app import errors
from app.storage import Entry
from app.storage.queue import Group, Job, Outcome
from app.storage.rows import change_values
from app.storage.sqlite.damage import is_corrupt
from app.storage.sqlite.rows import CHANGES, HISTORIES, LOG, LOG_AGAIN, SESSIONS, SIZES, SNAPSHOTS, Row

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


class _Rows:
    """What a group writes, by table. A session's row goes in once, as its last entry has it, and first: everything
    else points at it."""

    __slots__ = ("_log", "changes", "histories", "log", "sessions", "snapshots")

    def __init__(self, entries: Sequence[Entry], repeated: bool) -> None:
        sessions: dict[tuple[str, str], Row] = {}
        snapshots: dict[tuple[str, str], Row] = {}
        histories: dict[tuple[str, str], Row] = {}
        self.log: list[Row] = []
        self.changes: list[Row] = []
        for entry in entries:
            name = entry.name
            if entry.row is not None:
                sessions[name] = msgspec.structs.astuple(entry.row)
            if entry.batch is not None:
                self.log.append((*name, *msgspec.structs.astuple(entry.batch)))
            for change in entry.changes:
                self.changes.append((*name, *change_values(change)))
            if entry.snapshot is not None:
                snapshots[name] = (*name, entry.version, entry.snapshot)
            if entry.history is not None:
                histories[name] = (*name, *msgspec.structs.astuple(entry.history))
        self.sessions = list(sessions.values())
        self.snapshots = list(snapshots.values())
        self.histories = list(histories.values())
        self._log = LOG_AGAIN if repeated else LOG

    @property
    def is_one_statement(self) -> bool:
        """Nothing but rows of the log, which fit into one."""
        return len(self.log) in SIZES and not (
            self.sessions or self.changes or self.snapshots or self.histories
        )

    def insert(self, connection: sqlite3.Connection) -> None:
        SESSIONS.run(connection, self.sessions)
        self._log.run(connection, self.log)
        CHANGES.run(connection, self.changes)
        SNAPSHOTS.run(connection, self.snapshots)
        HISTORIES.run(connection, self.histories)


def write_group(connection: sqlite3.Connection, group: Group) -> Outcome:
    """Raises the environment's errors; a group with an entry that no database would take is written without
    it."""
    try:
        rows = _Rows(group.entries, group.repeated)
        if rows.is_one_statement and not group.jobs:
            rows.insert(connection)
            return Outcome([])
        with transaction(connection):
            rows.insert(connection)
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
                _Rows([entry], group.repeated).insert(connection)
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
