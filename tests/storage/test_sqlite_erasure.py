"""What is erased is in no byte of any file."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.storage import Entry, Key
from app.storage.sqlite import connection as sqlite_connection
from app.storage.sqlite import database as sqlite
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import batch, change, row, until

COUNT = """
import pathlib, sys
needles = [needle.encode() for needle in sys.argv[2:]]
for file in pathlib.Path(sys.argv[1]).iterdir():
    data = file.read_bytes()
    for needle in needles:
        if needle in data:
            print(file.name, needle)
"""


def nothing_to_wait_for() -> "asyncio.Future[None]":
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


UNUSED = """
import pathlib, re, struct, sys
data = pathlib.Path(sys.argv[1]).read_bytes()
dirty = 0
for start in range(0, len(data), 4096):
    page = data[start:start + 4096]
    header = 0 if start else 100
    kind, _, cells, content = struct.unpack_from(">BHHH", page, header)
    if kind in (2, 5, 10, 13):
        pointers = header + (12 if kind in (2, 5) else 8)
        unused = page[pointers + 2 * cells:content]
        # Shorter ones are what is left of lists of free blocks.
        dirty += sum(map(len, re.findall(rb"[^\\0]{6,}", unused)))
print(dirty)
"""


async def unused_bytes(path: Path) -> int:
    """How many bytes of content stand in the unused parts of b-tree pages."""
    return int(await python(UNUSED, str(path)))


async def traces(folder: Path, *needles: str) -> str:
    """Where `needles` are found."""
    return await python(COUNT, str(folder), *needles)


async def python(script: str, *arguments: str) -> str:
    """By another process: closing the database's files here would drop SQLite's locks on them."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return str(done.stdout)


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


@pytest.mark.parametrize("kept", [True, False])
async def test_a_request_to_erase_goes_with_the_session(busy: SQLiteStorage, path: Path, kept: bool) -> None:
    if kept:
        await busy.submit(full_entry("MARKED", 1, "x"))
    assert await busy.request_erasure("p", "MARKED") is kept
    assert await busy.request_erasure("p", "MARKED") is kept
    assert not await busy.request_erasure("q", "STAYS")
    assert await busy.erasure_requests() == [("p", "MARKED"), ("q", "STAYS")]
    assert await busy.erasure_pending("p", "MARKED")
    assert await traces(path.parent, "MARKED") != ""
    assert await busy.erase("p", "MARKED") is kept
    assert not await busy.erasure_pending("p", "MARKED")
    assert await traces(path.parent, "MARKED") == ""
    assert await busy.erasure_requests() == [("q", "STAYS")]
    assert await busy.withdraw_erasure("q", "STAYS")
    assert not await busy.withdraw_erasure("q", "STAYS")
    assert await busy.erasure_requests() == []


async def test_moved_rows_leave_no_copies(
    busy: SQLiteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows move about as sessions come and go in random order; SQLite leaves copies in unused parts of pages."""
    asked = busy.wiper.ask
    monkeypatch.setattr(busy.wiper, "ask", nothing_to_wait_for)
    chance = random.Random(5)
    for _ in range(10):
        names = [f"MARKED-{chance.random()}" for _ in range(chance.randrange(20, 120))]
        chance.shuffle(names)
        for name in names:
            busy.submit(full_entry(name, 1, "MARKED-TARGET"))
        chance.shuffle(names)
        for name in names:
            await busy.erase("p", name)
    assert busy._writer is not None
    await busy._writer.run(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    assert await unused_bytes(path) > 0
    await asked()
    assert await unused_bytes(path) == 0
    assert await traces(path.parent, "MARKED-") == ""
    assert await busy._writer.run(lambda c: c.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
    assert len((await busy.sessions("p", limit=500)).sessions) == 200
    # What is written next does not bring them back from memory.
    await busy.submit(full_entry("other-1", 2, "plain"))
    await asked()
    assert await unused_bytes(path) == 0


async def test_expired_sessions_leave_nothing(busy: SQLiteStorage, path: Path) -> None:
    for n in range(100):
        busy.submit(full_entry(f"MARKED-{n}", 1, "MARKED-TARGET"))
        busy.submit(Entry(row(f"fresh-{n}", last_at=9_000)))
        await busy.count_session("k1", "2026-11", f"MARKED-{n}")
    assert await busy.expire(await busy.expired(5_000, 1_000), 5_000) == 300
    await until(lambda: not busy.wiper.busy)
    assert await traces(path.parent, "MARKED-", "plain", "other-") == ""
    assert len((await busy.sessions("p", limit=500)).sessions) == 100


async def test_a_reader_that_holds_the_log_only_delays_it(
    busy: SQLiteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WIPE_SECONDS", 0.2)
    await busy.submit(full_entry("MARKED", 1, "x"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM sessions").fetchone()
    assert await busy.erase("p", "MARKED")
    assert busy.wiper.busy
    assert await busy.row("p", "MARKED") is None
    reader.execute("COMMIT")
    reader.close()
    await until(lambda: not busy.wiper.busy)
    assert await traces(path.parent, "MARKED") == ""


async def test_an_erasure_cut_short_is_finished_at_the_next_start(
    busy: SQLiteStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy.submit(full_entry("MARKED", 1, "x"))
    monkeypatch.setattr(busy.wiper, "ask", lambda: asyncio.get_running_loop().create_future())
    monkeypatch.setattr(sqlite, "WIPE_SECONDS", 0.01)
    await busy.erase("p", "MARKED")
    assert await traces(path.parent, "MARKED") != ""
    for module in (sqlite, sqlite_connection):  # the first one may be at work on the file as the second comes
        monkeypatch.setattr(module, "BUSY_SECONDS", 30.0)
    after = SQLiteStorage(path)
    await after.open()
    await until(lambda: not after.wiper.busy)
    assert await traces(path.parent, "MARKED") == ""
    await after.close()
