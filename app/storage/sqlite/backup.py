"""A consistent copy of the file, made while it is written to."""

import contextlib
import os
import sqlite3

from app import errors
from app.storage.sqlite.connection import Connection, reading


async def back_up(path: str, target: str) -> None:
    """Copy `path` to `target`, which is replaced only once the copy is whole, checked and on the disk.

    The copy reads one snapshot in one go, from a connection of its own: commits and reads go on beside it,
    only checkpoints wait. Raises sqlite3.Error, OSError, or StorageUnavailable when the copy is damaged."""
    _refuse_own_files(path, target)
    partial = f"{target}.partial"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    source = Connection(path, reading)
    copy = Connection(partial, _plain)
    try:
        async with source, copy:
            await source.backup(copy)
            await copy.run(_finish)
        os.replace(partial, target)
        sync_folder(target)
    except BaseException:
        for end in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial + end)
        raise


def _plain(path: str, make: bool) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _refuse_own_files(path: str, target: str) -> None:
    if os.path.realpath(target) in {os.path.realpath(path + end) for end in ("", "-wal", "-shm")}:
        raise errors.BadRequest("a backup cannot replace the database itself")


def _finish(copy: sqlite3.Connection) -> None:
    # One file, without a -wal beside it: it can be copied and opened read-only.
    copy.execute("PRAGMA journal_mode = DELETE")
    # It has not been served: a server that finds it in the place of its database must notice (`sqlite_identity`).
    copy.execute("PRAGMA user_version = 0")
    (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise errors.StorageUnavailable(f"the copy is damaged, and so may be the database: {verdict}")


def sync_folder(path: str) -> None:
    """Without this a power cut may forget the new name."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
