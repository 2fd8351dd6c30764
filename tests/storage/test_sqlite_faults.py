"""The disk fails: what was acked stays, what was not is held, in order, and written as soon as that works."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app import errors
from app.storage import Entry, queued
from app.storage.queue import Group, Outcome
from app.storage.sqlite import commit as sqlite_commit
from app.storage.sqlite import connection as sqlite_connection
from app.storage.sqlite import database as sqlite
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import Make, batch, change, entry, row, until


@pytest.fixture
def lock(storage: SQLiteStorage, path: Path) -> Iterator[Callable[[], Callable[[], None]]]:
    """Locks the database from outside; returns the unlocking."""
    connection = sqlite3.connect(path, isolation_level=None)

    def unlock() -> None:
        connection.execute("ROLLBACK")

    def take() -> Callable[[], None]:
        connection.execute("BEGIN IMMEDIATE")
        return unlock

    yield take
    connection.close()


async def on_writer(storage: SQLiteStorage, sql: str) -> None:
    assert storage._writer is not None
    await storage._writer.run(lambda connection: connection.execute(sql).fetchall())


async def versions(storage: SQLiteStorage, session: str = "s") -> list[int]:
    return [b.version for b in await storage.batches("p", session, limit=100_000)]


async def test_locked_entries_are_held_and_written_later(
    storage: SQLiteStorage, lock: Callable[[], Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "sessionmood.storage")
    unlock = lock()
    with pytest.raises(errors.StorageUnavailable) as refused:
        await storage.submit(entry(version=1))
    assert refused.value.retry_ms is not None
    assert refused.value.retry_ms > 0
    for version in range(2, 50):
        storage.submit(entry(version=version))
    with pytest.raises(errors.StorageUnavailable):
        await storage.check()
    await until(lambda: storage.queue.failures >= 4)
    assert storage.queue.failing_since is not None
    assert storage.queue.queued_entries == 49
    assert await versions(storage) == []
    unlock()
    await settle(storage)
    await storage.settled()
    assert await versions(storage) == list(range(1, 50))
    assert storage.queue.failing_since is None
    await storage.check()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


async def test_a_full_disk(storage: SQLiteStorage, caplog: pytest.LogCaptureFixture) -> None:
    await storage.submit(Entry(row(), batch(), [change()], b"snapshot"))
    await on_writer(storage, "PRAGMA max_page_count = 1")
    big = batch(2, b"[" + b"1," * 500_000 + b"1]")
    with pytest.raises(errors.StorageUnavailable, match="full"):
        await storage.submit(Entry(row(version=2), big))
    with pytest.raises(errors.StorageUnavailable):
        await storage.submit(entry(version=3))
    # Not even the session's row of the failed transaction is seen.
    stored = await storage.load("p", "s")
    assert stored is not None
    assert stored.row.version == 1
    await on_writer(storage, "PRAGMA max_page_count = 1000000")
    await settle(storage)
    assert await versions(storage) == [1, 2, 3]
    assert (await storage.batches("p", "s", after=1))[0] == big


async def settle(storage: SQLiteStorage) -> None:
    await until(lambda: not storage.queue.pending)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small file system here")
    yield folder
    run("umount", str(folder))


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_a_really_full_disk(impatient: None, small_disk: Path) -> None:
    storage = SQLiteStorage(small_disk / "sessions.db", retry_scale=0.02)
    await storage.open()
    acked = 0
    with pytest.raises(errors.StorageUnavailable):
        for version in range(1, 10_000):
            await storage.submit(Entry(row(version=version), batch(version, os.urandom(20_000))))
            acked = version
    assert acked > 3
    with pytest.raises(errors.StorageUnavailable):
        await storage.check()
    assert await versions(storage) == list(range(1, acked + 1))
    grown = await asyncio.to_thread(run, "mount", "-o", "remount,size=64m", str(small_disk))
    assert grown.returncode == 0
    await settle(storage)
    assert await versions(storage) == list(range(1, acked + 2))
    await storage.check()
    await storage.close()


async def test_a_read_only_file(storage: SQLiteStorage) -> None:
    await on_writer(storage, "PRAGMA query_only = ON")
    with pytest.raises(errors.StorageUnavailable, match="readonly"):
        await storage.submit(entry())
    # The connection is not trusted after that, and opened anew.
    await settle(storage)
    assert await versions(storage) == [1]


async def test_a_file_that_may_not_be_written_is_refused_at_the_start(make: Make, path: Path) -> None:
    storage = await make()
    await storage.submit(entry())
    await storage.close()
    script = f"""
import asyncio, concurrent.futures.thread, os
from app import errors
from app.storage.sqlite.database import SQLiteStorage
async def main():
    try:
        await SQLiteStorage({str(path)!r}).open()
    except errors.StorageUnavailable as error:
        print("refused:", error.detail)
if os.geteuid() == 0:
    os.setuid(65534)
asyncio.run(main())
"""
    folder = path.parent
    folder.parent.parent.chmod(0o755)
    folder.parent.chmod(0o755)
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        done = await asyncio.to_thread(run, sys.executable, "-c", script)
    finally:
        folder.chmod(0o755)
    assert done.stdout.startswith("refused: cannot open"), done.stderr


async def test_a_broken_connection_is_opened_anew(storage: SQLiteStorage) -> None:
    await storage.submit(entry())
    assert storage._writer is not None
    await storage._writer.run(lambda c: c.close())
    with pytest.raises(errors.StorageUnavailable):
        await storage.submit(entry(version=2))
    await settle(storage)
    assert await versions(storage) == [1, 2]


async def test_after_an_io_error_a_reader_is_opened_anew(storage: SQLiteStorage) -> None:
    await storage.submit(entry())
    reader = storage._reader
    assert reader is not None
    before = reader._conn

    def fail(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with pytest.raises(errors.StorageUnavailable):
        await storage._read(fail)
    assert await storage.row("p", "s") == row()
    assert reader._conn is not before


async def test_a_removed_file_is_noticed_and_nothing_is_acked(storage: SQLiteStorage, path: Path) -> None:
    await storage.submit(entry())
    path.rename(path.with_name("away"))
    with pytest.raises(errors.StorageUnavailable, match="removed"):
        await storage.check()
    with pytest.raises(errors.StorageUnavailable):
        await storage.submit(entry(version=2))
    path.with_name("away").rename(path)
    await settle(storage)
    await storage.check()
    assert await versions(storage) == [1, 2]


async def test_a_corrupt_page(make: Make, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = await make()
    for version in range(1, 400):
        storage.submit(entry(version=version))
    await storage.close()
    monkeypatch.setattr(sqlite, "CLOSE_SECONDS", 1.0)  # only now: all of these must have been written
    with contextlib.closing(sqlite3.connect(path)) as plain:
        (page,) = plain.execute("SELECT rootpage FROM sqlite_master WHERE name = 'log'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    storage = await make()
    assert await storage.row("p", "s") == row(version=399)
    with pytest.raises(errors.StorageUnavailable, match="malformed"):
        await storage.load("p", "s")
    with pytest.raises(errors.StorageUnavailable, match="malformed"):
        await storage.submit(entry(version=400))
    with pytest.raises(errors.StorageUnavailable):
        await storage.check()


async def test_a_file_that_is_something_else(path: Path) -> None:
    content = b"not a database, but long enough to be looked at" * 100
    path.write_bytes(content)
    with pytest.raises(errors.StorageUnavailable, match="not a database"):
        await SQLiteStorage(path).open()
    assert path.read_bytes() == content


async def test_the_thread_of_an_opening_that_failed_has_ended(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    connection = sqlite_connection.Connection(str(path), sqlite_connection.writing)
    with pytest.raises(sqlite3.DatabaseError):
        await connection
    assert connection.stop().done(), "it would report to a loop that may be closed by then"


async def test_a_full_queue_refuses_and_recovers(impatient: None, path: Path) -> None:
    storage = SQLiteStorage(path, max_queued_bytes=20_000, retry_scale=0.02)
    await storage.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    taken = 0
    with pytest.raises(errors.StorageUnavailable) as refused:
        while True:
            storage.submit(entry(version=taken + 1))
            taken += 1
    assert refused.value.retry_ms
    assert 5 < taken < 100
    with pytest.raises(errors.StorageUnavailable):
        storage.admit()
    other.execute("ROLLBACK")
    other.close()
    await settle(storage)
    storage.admit()
    await storage.submit(entry(version=taken + 1))
    assert await versions(storage) == list(range(1, taken + 2))
    await storage.close()


async def test_closing_while_the_disk_fails_ends_in_time(
    storage: SQLiteStorage,
    lock: Callable[[], Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sqlite, "CLOSE_SECONDS", 0.3)
    await storage.submit(entry(version=1))
    unlock = lock()
    lost = storage.submit(entry(version=2))
    await storage.close()
    with pytest.raises(errors.StorageUnavailable):
        await lost
    assert "1 entries" in caplog.text
    unlock()


async def test_an_entry_no_database_takes_does_not_stop_the_others(
    storage: SQLiteStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.submit(entry("a"))
    storage.submit(Entry(row("b", version=2**70), batch()))
    storage.submit(Entry(row("c"), batch(producer=object())))
    future = storage.submit(entry("d"))
    with pytest.raises(errors.SessionMoodError):
        await future
    assert [r.session for r in (await storage.sessions("p")).sessions] == ["d", "a"]
    assert caplog.text.count("cannot be kept") == 2
    await storage.submit(entry("b"))
    assert storage.queue.failing_since is None


async def test_two_writers_of_one_session_are_found_out(
    storage: SQLiteStorage, caplog: pytest.LogCaptureFixture
) -> None:
    await storage.submit(entry())
    with pytest.raises(errors.SessionMoodError):
        await storage.submit(Entry(row(mood="curious"), batch(1, b"[other]")))
    assert await storage.batches("p", "s") == [batch(1)]
    assert await storage.row("p", "s") == row()
    assert "cannot be kept" in caplog.text


async def test_a_commit_whose_success_was_not_seen_is_not_doubled(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sqlite_commit.write_group
    calls = 0

    def unsure(connection: sqlite3.Connection, group: Group) -> Outcome:
        nonlocal calls
        calls += 1
        outcome = real(connection, group)
        if calls == 1:
            raise sqlite3.OperationalError("disk I/O error")
        return outcome

    monkeypatch.setattr(sqlite, "write_group", unsure)
    with pytest.raises(errors.StorageUnavailable):
        await storage.submit(Entry(row(), batch(), [change()], b"x"))
    await settle(storage)
    assert calls == 2
    assert await versions(storage) == [1]
    assert await storage.changes("p", "s") == [change()]


async def test_a_slow_disk_holds_acks_and_check_says_so(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    job = storage.queue.run(lambda _: stop.wait(30))
    try:
        future = storage.submit(entry())
        with monkeypatch.context() as impatient:  # until here only: the check at the end may take its time
            impatient.setattr(queued, "CHECK_SECONDS", 0.1)
            with pytest.raises(errors.StorageUnavailable, match="took more than"):
                await storage.check()
        assert not future.done()
    finally:
        stop.set()
    await job
    await future
    await storage.check()


async def test_a_storm_of_cancellations(storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    # a check waits behind fifty erasures, each a commit of its own: on a slow disk that is more than 5 s
    monkeypatch.setattr(queued, "CHECK_SECONDS", 120.0)
    submitted: dict[int, asyncio.Task[None]] = {}
    others: list[asyncio.Task[Any]] = []

    async def durable(version: int) -> None:
        await storage.submit(entry(f"s{version % 5}", version))

    for version in range(1, 1001):
        submitted[version] = asyncio.create_task(durable(version))
        others.append(asyncio.create_task(storage.load("p", f"s{version % 5}")))
        if version % 20 == 0:
            others.append(asyncio.create_task(storage.count_session("k", "2026-11", f"s{version}")))
            others.append(asyncio.create_task(storage.check()))
            others.append(asyncio.create_task(storage.erase("p", "nobody")))
            await asyncio.sleep(0.001 * (version % 3))
            for task in [*submitted.values(), *others][version % 7 :: 3]:
                task.cancel()
    await asyncio.wait([*submitted.values(), *others])
    assert [
        t.exception() for t in [*submitted.values(), *others] if not t.cancelled() and t.exception()
    ] == []
    await storage.settled()
    assert any(task.cancelled() for task in submitted.values())
    for k in range(5):
        acked = {version for version, task in submitted.items() if version % 5 == k and not task.cancelled()}
        found = await versions(storage, f"s{k}")
        assert len(found) == len(set(found))
        assert acked <= set(found)
    assert storage._writer is not None
    assert not await storage._writer.run(lambda connection: connection.in_transaction)
    await storage.check()
