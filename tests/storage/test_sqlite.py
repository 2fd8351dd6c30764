"""SQLite under the contract, and what a file promises besides."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from app import errors
from app.storage import Entry, Key, ProducerState
from app.storage.sqlite import reads as sqlite_reads
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import batch, change, entry, row, until

from .contract import *  # noqa: F403


async def test_the_files_are_for_their_owner_only(storage: SQLiteStorage, path: Path) -> None:
    await storage.submit(entry())
    for name in ("", "-wal", "-shm", "-lock"):
        assert path.with_name(path.name + name).stat().st_mode & 0o777 == 0o600


async def test_an_open_file_is_made_private(path: Path) -> None:
    sqlite3.connect(path).close()
    path.chmod(0o644)
    storage = SQLiteStorage(path)
    await storage.open()
    await storage.close()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_journal_is_as_promised(storage: SQLiteStorage) -> None:
    def pragmas(connection: sqlite3.Connection) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "secure_delete", "wal_autocheckpoint", "query_only")
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    assert storage._writer is not None
    assert storage._reader is not None
    full, wal = 2, "wal"
    assert await storage._writer.run(pragmas) == {
        "journal_mode": wal,
        "synchronous": full,
        "secure_delete": 1,
        "wal_autocheckpoint": 0,
        "query_only": 0,
    }
    reading = await storage._reader.run(pragmas)
    assert (reading["wal_autocheckpoint"], reading["query_only"]) == (0, 1)


async def test_reads_do_not_wait_for_a_commit(storage: SQLiteStorage) -> None:
    await storage.submit(entry())
    going, stop = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        going.set()
        stop.wait(30)

    job = storage.queue.run(slow)
    try:
        await asyncio.to_thread(going.wait, 30)
        later = storage.submit(entry(version=2))
        assert await storage.row("p", "s") == row(version=1)
        assert (await storage.sessions("p")).sessions == [row(version=1)]
        assert not later.done()
    finally:
        stop.set()
    await job
    await later
    assert await storage.row("p", "s") == row(version=2)


async def test_what_arrives_during_a_commit_is_the_next_commit(storage: SQLiteStorage) -> None:
    before = storage.queue.commits
    stop = threading.Event()
    job = storage.queue.run(lambda _: stop.wait(30))
    first = storage.submit(entry("a"))
    await until(lambda: storage.queue._writing)
    later = {storage.submit(entry(f"s{n}")) for n in range(500)}
    stop.set()
    await job
    assert first.done()
    assert len(later) == 1
    await later.pop()
    assert storage.queue.commits == before + 2
    assert storage.queue.committed_entries == 501
    assert (storage.queue.queued_entries, storage.queue.queued_bytes) == (0, 0)
    assert storage.queue.last_commit_seconds > 0


async def test_a_group_that_only_appends_to_the_log_is_one_statement(storage: SQLiteStorage) -> None:
    await storage.submit(entry("s"))
    await storage.submit(entry("t"))
    traced: list[str] = []
    await storage.queue.run(lambda connection: connection.set_trace_callback(traced.append))
    traced.clear()
    for session in "st":
        for version in range(2, 14):
            future = storage.submit(Entry(None, batch(version), of=("p", session)))
    await future
    assert [each.split(" (")[0] for each in traced] == ["INSERT INTO log"]
    for session in "st":
        assert [each.version for each in await storage.batches("p", session)] == list(range(1, 14))


async def test_what_is_derived_is_in_the_transaction_of_what_it_follows_from(storage: SQLiteStorage) -> None:
    traced: list[str] = []
    await storage.queue.run(lambda connection: connection.set_trace_callback(traced.append))
    traced.clear()
    for version in range(1, 300):
        future = storage.submit(
            Entry(row("s", version), batch(version), [change(1_000 + version)], b"%d" % version)
        )
    await future
    tables = [each.split(" (")[0] for each in traced]
    # a statement for each table where there are few rows, two where no size fits: 192 + 96 + 11
    logs, changes = ["INSERT INTO log"] * 3, ["INSERT INTO changes"] * 3
    once = ["INSERT INTO sessions"]
    assert tables == ["BEGIN IMMEDIATE", *once, *logs, *changes, "INSERT INTO snapshots", "COMMIT"]
    stored = await storage.load("p", "s")
    assert stored is not None
    assert (stored.row.version, stored.snapshot) == (299, b"299")
    assert len(await storage.changes("p", "s")) == 299


async def test_a_long_log_is_looked_through_in_parts(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_reads, "LOG_PART", 7)
    for version in range(1, 30):
        producer = f"tab{version}"
        future = storage.submit(Entry(row("s", version), batch(version, producer=producer, last_seq=version)))
    await future
    for version in range(1, 30):
        assert await storage.producer_state("p", "s", f"tab{version}") == ProducerState(
            f"tab{version}", version, 1
        )
    assert await storage.producer_state("p", "s", "tab30") is None


async def test_sessions_that_lag_behind_their_log_are_found_once(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_reads, "LOG_PART", 4)

    async def found(within: int) -> list[str]:
        lagging = await storage.lagging(within)
        names = lagging.names
        while lagging.after is not None:
            lagging = await storage.lagging(within, lagging.after)
            names += lagging.names
        assert {project for project, _ in names} <= {"p"}
        return sorted(session for _, session in names)

    assert await found(1000) == []
    for index in range(20):
        await storage.submit(entry(f"s{index}"))
        if index % 2:
            await storage.submit(Entry(None, batch(2, at=10_000 * index), of=("p", f"s{index}")))
    assert await found(10**9) == sorted(f"s{index}" for index in range(1, 20, 2))
    late = await found(15_000)
    assert "s19" in late
    assert "s1" not in late
    await storage.submit(Entry(row("s19", 2)))
    assert "s19" not in await found(10**9)


async def test_a_checkpoint_comes_by_itself(storage: SQLiteStorage) -> None:
    version = 0
    while storage.wal.checkpoints == 0:
        version += 1
        await storage.submit(entry(version=version))
        assert version < 10_000
    assert storage.wal.last_checkpoint_pages > 0
    assert len(await storage.batches("p", "s", limit=10_000)) == version


async def test_a_second_server_on_the_file_is_refused(impatient: None, path: Path) -> None:
    first = SQLiteStorage(path, sole=True)
    await first.open()
    second = SQLiteStorage(path, sole=True)
    with pytest.raises(errors.StorageUnavailable, match="already"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_a_command_writes_beside_the_server(path: Path) -> None:
    server = SQLiteStorage(path, sole=True)
    await server.open()
    futures = [server.submit(entry(f"s{n}")) for n in range(50)]
    command = SQLiteStorage(path)
    await command.open()
    key = Key("k1", "p", "sk", b"\x00" * 32, "", 1)
    await command.add_key(key)
    assert await server.keys() == [key]
    await futures[-1]
    assert await command.row("p", "s7") == row("s7")
    await command.close()
    await server.check()
    await server.close()


async def test_a_failure_nobody_looks_at_is_not_reported(storage: SQLiteStorage, path: Path) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    storage.submit(entry())
    await until(lambda: storage.queue.failures >= 2)
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: not storage.queue.pending)
    gc.collect()
    assert reported == []


def test_a_process_that_forgets_to_close_exits(path: Path) -> None:
    script = f"""
import asyncio, warnings
warnings.simplefilter("ignore")
from app.storage.sqlite.database import SQLiteStorage
async def main():
    storage = SQLiteStorage({str(path)!r})
    await storage.open()
asyncio.run(main())
print("done")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


async def test_closed_storage_says_so(storage: SQLiteStorage) -> None:
    await storage.close()
    for call in (
        storage.load("p", "s"),
        storage.keys(),
        storage.erase("p", "s"),
        storage.expired(1, 1),
        storage.expire([("p", "s")], 1),
        storage.count_session("k", "2026-11", "s"),
    ):
        with pytest.raises(errors.StorageUnavailable):
            await call
    with pytest.raises(errors.StorageUnavailable):
        storage.admit()
    await storage.settled()
