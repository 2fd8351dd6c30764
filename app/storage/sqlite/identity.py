"""Which file a database is, who has it open, and which history it tells.

A name is not a file: two names may lead to one (a symbolic or a hard link), and one name to another file than
yesterday (a restored copy). SQLite checks neither. It applies whatever lies at `-wal` to whatever lies beside it,
and two names of one file have a log each: both make a corrupt database without a word.

So a server locks the file itself, not only its name. And each of its runs marks the file with a number of its own
(`user_version` in the header, sqlite.org/fileformat2.html), which it notes beside it too, in the file of its lock:
a file with another number than the noted ones was put there since. A copy made by `backup` has none.
"""

import contextlib
import logging
import os
import secrets
import sqlite3
import time
from enum import Enum
from typing import Final

from app import errors
from app.storage import Epoch
from app.storage.file_lock import FileLock
from app.storage.sqlite.connection import BUSY_SECONDS

logger = logging.getLogger("sessionmood.storage")

#: The file beside the database that its server has locked, and notes its marks in.
SERVER_LOCK: Final = "-server"
#: Seconds that a file which was put in the place of another is looked through at the start; `doctor` takes its time.
CHECK_SECONDS: Final = 5.0

_HEADER_BYTES: Final = 100
_MAGIC: Final = b"SQLite format 3\0"
_WRITE_VERSION: Final = 18  # 1: never in WAL mode, so that no log can belong to it
_USER_VERSION: Final = slice(60, 64)
_NOTE_BYTES: Final = 64


class Served(Enum):
    """Whether a server has a database open: under this name, or under another."""

    no = "no"
    here = "here"
    elsewhere = "elsewhere"


def served(path: str | os.PathLike[str]) -> Served:
    """Raises OSError where the folder can't be used."""
    real = os.path.realpath(path)
    name = FileLock(real + SERVER_LOCK)
    try:
        if not name.acquire(0):
            return Served.here
    finally:
        name.close()
    file = FileLock(real, shared=True, make=False)
    try:
        return Served.no if file.acquire(0) else Served.elsewhere
    except FileNotFoundError:
        return Served.no
    finally:
        file.close()


class Claim:
    """A storage's hold on a file. With `sole` nobody else gets one with `sole` meanwhile, by whatever name."""

    def __init__(self, path: str, sole: bool) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        self._sole = sole
        self._name = FileLock(self.real + SERVER_LOCK)
        # Open until SQLite has closed the file: closing it earlier would drop SQLite's locks on it.
        self._file = FileLock(self.real, shared=not sole, make=sole)

    def take(self) -> None:
        """Raises as `lock` does, and StorageUnavailable when a log of another file lies beside this one."""
        self.lock()
        header = self.header()
        if not header.startswith(_MAGIC):
            return  # new, or no database, which SQLite says
        if _size(self.real + "-wal") and self._has_foreign_log(header):
            raise errors.StorageUnavailable(
                f"{self.real}-wal belongs to another file than {self.real}, which was put there since: opening both "
                "would mix them. `sessionmood restore FILE` puts a copy in place as it should be; by hand, remove "
                f"{self.real}-wal and {self.real}-shm"
            )
        if self._sole and self.is_another(header):
            _look_through(self.real)

    def lock(self) -> None:
        """Raises StorageUnavailable when a server has the file; OSError."""
        os.makedirs(os.path.dirname(self.real), exist_ok=True)
        if self._sole and not self._name.acquire(BUSY_SECONDS):
            raise errors.StorageUnavailable(
                f"another server runs on {self.path} already; several servers need DATABASE_URL=postgresql://…"
            )
        self._take_file()

    def _take_file(self) -> None:
        try:
            free = self._file.acquire(BUSY_SECONDS if self._sole else 0)
        except FileNotFoundError:
            return  # a command makes the database
        if free and not self._sole:
            self._file.release()
        elif not free and (self._sole or served(self.path) is Served.elsewhere):
            raise errors.StorageUnavailable(
                f"a server has the file {self.path} open already, under another name (a hard link): use that name"
            )
        if os.stat(self.real).st_nlink > 1:
            logger.warning(
                "%s has another name too (a hard link): SQLite's log is found under one of them only; "
                "remove the other, or make it a symbolic link",
                self.path,
            )

    def header(self) -> bytes:
        fd = self._file.fd
        return b"" if fd is None else os.pread(fd, _HEADER_BYTES, 0)

    def is_another(self, header: bytes) -> bool:
        """Whether the file is not the one that was served here last."""
        return _mark(header) not in self.noted()

    def _has_foreign_log(self, header: bytes) -> bool:
        noted = self.noted()
        return header[_WRITE_VERSION] == 1 or (bool(noted) and _mark(header) not in noted)

    def noted(self) -> set[int]:
        """The marks that the file served here may have; none where nobody served."""
        try:
            with open(self.real + SERVER_LOCK, "rb") as note:
                return {int(word, 16) for word in note.read(_NOTE_BYTES).split()}
        except (OSError, ValueError):
            return set()

    def note(self, *marks: int) -> None:
        words = " ".join(f"{mark:08x}" for mark in marks)
        fd = os.open(self.real + SERVER_LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, words.ljust(_NOTE_BYTES - 1).encode() + b"\n", 0)
            os.fsync(fd)
        finally:
            os.close(fd)

    def release(self) -> None:
        """Only once SQLite has the file closed."""
        self._file.close()
        self._name.close()

    def mark(self, connection: sqlite3.Connection) -> Epoch:
        """Mark the file as served from now on; the history it tells: another one where it was put there since the
        last run. A disk that takes nothing right now is no reason not to start."""
        epoch = _epoch(connection)
        try:
            epoch = self._begin(connection, epoch)
            mark = secrets.randbelow(2**31 - 1) + 1
            self.note(_mark(self.header()), mark)  # either, if this is cut short
            connection.execute(f"PRAGMA user_version = {mark}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if _mark(self.header()) == mark:
                self.note(mark)
        except (sqlite3.OperationalError, OSError) as error:
            logger.warning("%s could not be marked as served: %s", self.path, error)
        return epoch or Epoch("", 0)

    def _begin(self, connection: sqlite3.Connection, epoch: Epoch | None) -> Epoch:
        if epoch is None:
            return begin_epoch(connection, 0)
        if not self.is_another(self.header()):
            return epoch
        logger.warning(
            "%s is another file than the one served last, a restored copy or one from elsewhere: keys revoked since "
            "it was made are valid again, sessions erased since are back",
            self.path,
        )
        return begin_epoch(connection, time.time_ns() // 1_000_000)


def begin_epoch(connection: sqlite3.Connection, now: int) -> Epoch:
    """Another history of the database begins. `now`: ms; 0 for its first."""
    epoch = Epoch(secrets.token_urlsafe(6), now)
    connection.execute(
        "INSERT INTO epochs (id, name, began_at) VALUES (1, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, began_at = excluded.began_at",
        (epoch.name, epoch.began_at),
    )
    return epoch


def _epoch(connection: sqlite3.Connection) -> Epoch | None:
    found = connection.execute("SELECT name, began_at FROM epochs WHERE id = 1").fetchone()
    return Epoch(*found) if found else None


def _mark(header: bytes) -> int:
    return int.from_bytes(header[_USER_VERSION], "big")


def sizes(real: str) -> tuple[int, int, int]:
    """Bytes of the database, of its write-ahead log, and left on their disk; 0 where nobody can say."""
    try:
        disk = os.statvfs(os.path.dirname(real))
    except OSError:
        return 0, 0, 0
    return _size(real), _size(real + "-wal"), disk.f_bavail * disk.f_frsize


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _look_through(path: str) -> None:
    """Raises StorageUnavailable when a file that was put in the place of another is damaged. Read only: a log that is
    not its own must not get into it."""
    deadline = time.monotonic() + CHECK_SECONDS
    uri = f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                logger.warning(
                    "%s is large: only a part was looked through; `sessionmood doctor` does all", path
                )
                return
            raise
        if verdict != "ok":
            raise errors.StorageUnavailable(
                f"{path} is damaged ({verdict}): restore a backup with `sessionmood restore FILE`"
            )
