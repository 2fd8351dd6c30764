"""Puts a copy in the place of the database: whole and checked, or not at all."""

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from app import errors
from app.storage.migrations import migrate_sqlite, stored_revision
from app.storage.sqlite.backup import sync_folder
from app.storage.sqlite.connection import BUSY_SECONDS
from app.storage.sqlite.identity import Claim, begin_epoch

#: Pages copied between two looks at the progress.
_PAGES: Final = 2000


class Restored(msgspec.Struct, frozen=True):
    """What is in place now. `newest_at`: ms, None without sessions; `valid_again`: ids of keys that were revoked in
    the database before and are not in this one; `lost`: ids of keys made since the copy."""

    sessions: int
    newest_at: int | None
    valid_again: list[str]
    lost: list[str]


def restore(path: str, copy: str, progress: Callable[[int, int], None]) -> Restored:
    """Replace the database at `path` by `copy`, and remove the log of the one before. `progress` is told of pages done
    and in all. Raises StorageUnavailable (a server runs, the copy is damaged or of a newer version), BadRequest,
    sqlite3.Error, OSError; the database is as before then."""
    real = os.path.realpath(path)
    if not os.path.exists(copy):
        raise errors.BadRequest(f"there is no file {copy}")
    if os.path.exists(real) and os.path.samefile(real, copy):
        raise errors.BadRequest(f"{copy} is the database itself")
    new = not os.path.exists(real)
    claim = Claim(path, sole=True)
    partial = f"{real}.restoring"
    try:
        claim.lock()
        keys_before = _revoked(real)
        mark = _copy(copy, partial, progress)
        os.replace(partial, real)
        # Should this be cut short here: a file that never had a log is not opened with one.
        for end in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(real + end)
        sync_folder(real)
        claim.note(mark)
        return _found(real, keys_before)
    except BaseException:
        _remove(partial)
        if new and os.path.exists(real) and not os.path.getsize(real):
            os.unlink(real)
        raise
    finally:
        claim.release()


def _copy(copy: str, partial: str, progress: Callable[[int, int], None]) -> int:
    """A whole and checked copy at `partial`, marked; the mark."""
    _remove(partial)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as target:
        with contextlib.closing(_reading(copy)) as source:
            if stored_revision(source) is None:
                raise errors.BadRequest(f"{copy} is no database of SessionMood")
            source.backup(target, pages=_PAGES, progress=lambda _, left, all: progress(all - left, all))
        target.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise errors.StorageUnavailable(f"{copy} is damaged ({verdict}); nothing was changed")
        migrate_sqlite(target)
        begin_epoch(target, time.time_ns() // 1_000_000)
        mark = secrets.randbelow(2**31 - 1) + 1
        target.execute(f"PRAGMA user_version = {mark}")
    fd = os.open(partial, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return mark


def _reading(path: str) -> sqlite3.Connection:
    """Read only, also from a folder that can't be written to."""
    alone = not any(
        os.path.exists(path + end) and os.path.getsize(path + end) for end in ("-wal", "-journal")
    )
    mode = "immutable=1" if alone else "mode=ro"
    uri = f"{Path(path).absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _revoked(real: str) -> dict[str, bool]:
    """Whether each key of the database so far is revoked; nothing where it can't be read, which may be why it is
    replaced."""
    try:
        with contextlib.closing(_reading(real)) as connection:
            rows = connection.execute("SELECT id, revoked_at IS NOT NULL FROM keys").fetchall()
            return {str(id): bool(revoked) for id, revoked in rows}
    except (sqlite3.Error, OSError):
        return {}


def _found(real: str, before: dict[str, bool]) -> Restored:
    with contextlib.closing(_reading(real)) as connection:
        count, newest = connection.execute("SELECT count(*), max(last_at) FROM sessions").fetchone()
    now = _revoked(real)
    return Restored(
        count,
        newest,
        sorted(id for id, revoked in before.items() if revoked and now.get(id) is False),
        sorted(id for id, revoked in before.items() if not revoked and id not in now),
    )


def _remove(partial: str) -> None:
    for end in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial + end)
