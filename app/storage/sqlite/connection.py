"""One SQLite file, its connections and the threads they live in.

SQLite up to 3.51.2 can corrupt a write-ahead log when two connections write or checkpoint at once
(sqlite.org/wal.html#walresetbug), so exactly one connection of a process does either, all others are
`query_only` and never checkpoint, and a `Gate` keeps the writing connections of processes apart.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite

from app import errors
from app.storage.commit_future import CommitFuture
from app.storage.file_lock import Gate

T = TypeVar("T")

# How long a lock of somebody else (a shell, a command beside the server) is waited for.
BUSY_SECONDS = 2.0
# The hot commit alone has a statement per table and size of insert.
CACHED_STATEMENTS = 256
# Kept in memory per connection at most (KiB, negative as SQLite wants it); the system caches the file besides.
CACHE_KIB = -16384


# Failures of the moment; after any other the connection itself is not trusted any more.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY_DBMOVED}


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs whole functions in its thread: a transaction is then one hop of
    50-90 us instead of one per statement, and a cancelled await cannot leave it half done."""

    def __init__(self, path: str, kind: "Kind", gate: Gate | None = None) -> None:
        self._path = path
        self._kind = kind
        self._gate = contextlib.nullcontext() if gate is None else gate
        self._identity: tuple[int, int] | None = None
        self._broken = False
        self._stopped: asyncio.Future[None] | None = None
        super().__init__(self._open, 64)
        # A disk that hangs in a write must not keep the process from exiting.
        self._thread.daemon = True

    def start(self, work: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run `work` in the thread, after what was started before. Cancelling the future does not stop it."""
        if not self._running or self._connection is None:
            raise errors.StorageUnavailable("the storage is closed")
        future: CommitFuture[T] = CommitFuture(loop=asyncio.get_running_loop())
        self._tx.put_nowait((future, partial(self._do, work)))
        return future

    def stop(self) -> "asyncio.Future[None]":
        """Close, then end the thread; done when it has."""
        if self._stopped is None:
            self._stopped = super().stop()
        assert self._stopped is not None
        return self._stopped

    async def _connect(self) -> "Connection":
        try:
            await super()._connect()
        except Exception:
            # It has stopped itself, and not waited: a thread that outlives its loop dies with a traceback.
            await self.stop()
            raise
        return self

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self.start(work)

    def distrust(self, error: BaseException) -> None:
        """After `error`, open the connection anew before it is used again, unless the error was of the
        moment."""
        code: int = getattr(error, "sqlite_errorcode", -1)
        self._broken = self._broken or not _PASSING & {code, code & 0xFF}

    def _open(self) -> sqlite3.Connection:
        with self._gate:
            connection = self._kind(self._path, self._identity is None)
            self._identity = file_identity(self._path)
            return connection

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if file_identity(self._path) != self._identity:
            # SQLite would go on with the old file, which nobody finds again; and opening the new one would
            # apply the old one's write-ahead log to it.
            error = sqlite3.OperationalError(f"{self._path} was removed or replaced while in use")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
            raise error
        with self._gate:
            if self._broken:
                with contextlib.suppress(sqlite3.Error):
                    self._conn.close()
                self._connection = self._open()
                self._broken = False
            return work(self._conn)


def file_identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


# Opens a file; the second argument says whether it may be made.
Kind = Callable[[str, bool], sqlite3.Connection]


def writing(path: str, make: bool) -> sqlite3.Connection:
    """The connection that writes and checkpoints."""
    if make:
        _make_private(path)
    connection = _connect(path)
    with _closed_on_error(connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        # Checkpoints are ours to place: SQLite's own come within a commit and stall it for 25-130 ms.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def reading(path: str, make: bool) -> sqlite3.Connection:
    """One that only reads: never waits for a commit, never makes one wait. It makes nothing, either."""
    connection = _connect(path)
    with _closed_on_error(connection):
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        Path(path).absolute().as_uri() + "?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin and end where this code says so
        check_same_thread=False,  # the thread is aiosqlite's
        cached_statements=CACHED_STATEMENTS,
    )
    # A damaged text must not make everything unreadable that stands beside it.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    with _closed_on_error(connection):
        connection.execute(f"PRAGMA cache_size = {CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@contextlib.contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _make_private(path: str) -> None:
    """The file holds the secrets that sign tokens: readable by its owner only. SQLite gives the files beside
    it (-wal, -shm) the same mode. An existing file is never opened here: closing it would drop SQLite's locks
    on it (POSIX locks belong to the process)."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for name in (path, path + "-wal", path + "-shm"):
            with contextlib.suppress(OSError):
                if os.stat(name).st_mode & 0o077:
                    os.chmod(name, 0o600)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}: {path}") from error
