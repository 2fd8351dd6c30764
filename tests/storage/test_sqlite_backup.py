"""A copy made while serving, and what a restored one has."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from app import errors
from app.storage.sqlite import backup as sqlite_backup
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import entry, row


async def test_a_backup_beside_writing_is_of_one_moment_and_restores(
    storage: SQLiteStorage, path: Path, tmp_path: Path
) -> None:
    secret = await storage.secret("token")
    copy = tmp_path / "backup.db"
    done = asyncio.Event()
    acked = 0

    async def write() -> None:
        nonlocal acked
        while not done.is_set():
            # Both sessions in one commit: a copy that has one only would be torn.
            storage.submit(entry("a", acked + 1))
            await storage.submit(entry("b", acked + 1))
            acked += 1

    writing = asyncio.create_task(write())
    for _ in range(3):
        before = acked
        await storage.backup(str(copy))
        after = acked
        assert copy.stat().st_mode & 0o777 == 0o600
        assert not list(tmp_path.glob("*.partial*"))
        restored_at = tmp_path / "restored" / "sessions.db"
        shutil.rmtree(restored_at.parent, ignore_errors=True)
        restored_at.parent.mkdir()
        shutil.copy(copy, restored_at)
        restored = SQLiteStorage(restored_at)
        await restored.open()
        a, b = await restored.load("p", "a"), await restored.load("p", "b")
        versions = 0 if a is None else a.row.version
        assert before <= versions <= after + 1
        if a is not None and b is not None:
            assert (
                [x.version for x in a.batches]
                == [x.version for x in b.batches]
                == list(range(1, versions + 1))
            )
        assert await restored.secret("token") == secret
        await restored.submit(entry("a", versions + 1))
        await restored.close()
    done.set()
    await writing
    assert acked > 0


async def test_a_backup_is_one_file_that_opens_read_only(storage: SQLiteStorage, tmp_path: Path) -> None:
    await storage.submit(entry())
    copy = tmp_path / "backup.db"
    await storage.backup(str(copy))
    with contextlib.closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as plain:
        assert plain.execute("SELECT session FROM sessions").fetchall() == [("s",)]
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_a_failed_backup_leaves_the_last_one(
    storage: SQLiteStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.submit(entry())
    copy = tmp_path / "backup.db"
    await storage.backup(str(copy))
    first = copy.read_bytes()

    def no_space(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite_backup, "_finish", no_space)
    await storage.submit(entry(version=2))
    with pytest.raises(errors.StorageUnavailable, match="full"):
        await storage.backup(str(copy))
    assert copy.read_bytes() == first
    assert not list(tmp_path.glob("*.partial*"))
    with pytest.raises(errors.StorageUnavailable):
        await storage.backup(str(tmp_path / "no" / "such" / "folder.db"))


async def test_a_backup_never_replaces_the_database(
    storage: SQLiteStorage, path: Path, tmp_path: Path
) -> None:
    await storage.submit(entry())
    link = tmp_path / "link.db"
    link.symlink_to(path)
    for target in (path, path.with_name(path.name + "-wal"), link):
        with pytest.raises(errors.BadRequest):
            await storage.backup(str(target))
    await storage.check()
    assert await storage.row("p", "s") == row()
