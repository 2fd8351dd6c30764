"""What is erased is in no byte of any file."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.storage import Entry, Key, sqlite_wal
from app.storage.sqlite import SQLiteStorage

from .contract import batch, change, row, until

COUNT = """
import pathlib, sys
needles = [needle.encode() for needle in sys.argv[2:]]
for file in pathlib.Path(sys.argv[1]).iterdir():
    data = file.read_bytes()
    for needle in needles:
        if needle in data:
            print(file.name, needle)
"""


async def traces(folder: Path, *needles: str) -> str:
    """Where `needles` are found. By another process: closing a file here would drop SQLite's locks on it."""
    found = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", COUNT, str(folder), *needles],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return str(found.stdout)


def full_entry(session: str, version: int, target: str) -> Entry:
    events = b'[{"type":"click","target":"%s"}]' % target.encode()
    return Entry(
        row(session, version, page=f"/{target}"),
        batch(version, events * 20, producer=f"producer-{session}"),
        [change(version, page=f"/{target}")],
        b"snapshot of " + session.encode() + target.encode(),
    )


@pytest.fixture
async def busy(storage: SQLiteStorage) -> SQLiteStorage:
    """Storage with other sessions in it, whose pages the erased ones share."""
    await storage.add_key(Key("k1", "p", "pk", b"\x00" * 32, "", 1))
    for n in range(200):
        storage.submit(full_entry(f"other-{n}", 1, "plain"))
    await storage.settled()
    return storage


async def test_an_erased_session_leaves_nothing(busy: SQLiteStorage, path: Path) -> None:
    for version in range(1, 40):
        await busy.submit(full_entry("UNLUCKY-SESSION", version, "MARKED-TARGET"))
    await busy.count_session("k1", "2026-11", "UNLUCKY-SESSION")
    assert await traces(path.parent, "UNLUCKY-SESSION", "MARKED-TARGET")
    assert await busy.erase("p", "UNLUCKY-SESSION")
    assert await traces(path.parent, "UNLUCKY-SESSION", "MARKED-TARGET") == ""
    assert await busy.row("p", "other-7") is not None
    assert busy._writer is not None
    left = await busy._writer.run(lambda c: c.execute("SELECT count(*) FROM quota_sessions").fetchone())
    assert left == (0,)


async def test_pages_split_and_joined_leave_nothing(busy: SQLiteStorage, path: Path) -> None:
    """Cells of the index pages move about as sessions come and go in random order."""
    chance = random.Random(5)
    names = [f"MARKED-{chance.random()}" for _ in range(600)]
    for name in names:
        busy.submit(full_entry(name, 1, "MARKED-TARGET"))
        if chance.random() < 0.2:
            await busy.settled()
        busy.submit(full_entry(f"other-{chance.random()}", 1, "plain"))
    chance.shuffle(names)
    for name in names[:-1]:
        busy.submit(full_entry(f"other-{chance.random()}", 1, "plain"))
        assert await busy.erase("p", name)
        if chance.random() < 0.02:
            assert await traces(path.parent, name) == ""
    assert await traces(path.parent, *names[:-1]) == ""
    assert await busy.erase("p", names[-1])
    assert await traces(path.parent, "MARKED-") == ""


async def test_expired_sessions_leave_nothing(busy: SQLiteStorage, path: Path) -> None:
    for n in range(100):
        busy.submit(full_entry(f"MARKED-{n}", 1, "MARKED-TARGET"))
        busy.submit(Entry(row(f"fresh-{n}", last_at=9_000)))
        await busy.count_session("k1", "2026-11", f"MARKED-{n}")
    assert await busy.expire(5_000, 1_000) == 300
    assert await traces(path.parent, "MARKED-", "plain", "other-") == ""
    assert len((await busy.sessions("p", limit=500)).sessions) == 100


async def test_a_reader_that_holds_the_log_only_delays_it(
    busy: SQLiteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_wal, "WIPE_SECONDS", 0.2)
    monkeypatch.setattr(sqlite_wal, "WIPE_LATER", 0.02)
    await busy.submit(full_entry("MARKED", 1, "x"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM sessions").fetchone()
    assert await busy.erase("p", "MARKED")
    assert busy.wal.traces
    assert await busy.row("p", "MARKED") is None
    reader.execute("COMMIT")
    reader.close()
    await until(lambda: not busy.wal.traces)
    assert await traces(path.parent, "MARKED") == ""


async def test_an_erasure_cut_short_is_finished_at_the_next_start(
    busy: SQLiteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed_here() -> None:
        raise KeyboardInterrupt

    await busy.submit(full_entry("MARKED", 1, "x"))
    monkeypatch.setattr(busy.wal, "wipe", killed_here)
    with pytest.raises(KeyboardInterrupt):
        await busy.erase("p", "MARKED")
    assert await traces(path.parent, "MARKED") != ""
    after = SQLiteStorage(path)
    await after.open()
    assert await traces(path.parent, "MARKED") == ""
    await after.close()
