"""kill -9 in the middle of commits: what was acked is there, once, and in order."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.storage.sqlite.database import SQLiteStorage

SESSIONS = 20

# Goes on where the database is; prints "session version" after each ack, as one write each.
WRITER = """
import asyncio, os, sys
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import batch, change, row
from app.storage import Entry

async def write(storage, session):
    stored = await storage.load("p", session)
    version = stored.row.version if stored else 0
    while True:
        version += 1
        snapshot = b"%d" % version if version % 7 == 0 else None
        await storage.submit(Entry(row(session, version), batch(version), [change(version)], snapshot))
        os.write(1, b"%s %d\\n" % (session.encode(), version))

async def erase(storage):
    while True:
        await storage.submit(Entry(row("erased"), batch()))
        await storage.erase("p", "erased")

async def main():
    storage = SQLiteStorage(sys.argv[1])
    await storage.open()
    os.write(1, b"ready\\n")
    await asyncio.gather(*(write(storage, f"s{n}") for n in range(int(sys.argv[2]))), erase(storage))

asyncio.run(main())
"""


def run_and_kill(path: Path, chance: random.Random) -> dict[str, int]:
    """The last version acked of each session."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(SESSIONS)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    with writer.stdout as lines:
        assert lines.readline() == b"ready\n"
        lines_to_read = chance.randrange(1, 3_000)
        seen = [lines.readline() for _ in range(lines_to_read)]
        os.kill(writer.pid, signal.SIGKILL)
        seen += lines.readlines()
    writer.wait(timeout=30)
    acked: dict[str, int] = {}
    for line in seen:
        if line.endswith(b"\n"):
            session, version = line.decode().split()
            assert int(version) == acked.get(session, int(version) - 1) + 1
            acked[session] = int(version)
    return acked


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_random_points(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    acked: dict[str, int] = {}
    for _ in range(4):
        acked |= await asyncio.to_thread(run_and_kill, path, chance)
        storage = SQLiteStorage(path)
        await storage.open()
        try:
            for n in range(SESSIONS):
                session = f"s{n}"
                stored = await storage.load("p", session)
                log = await storage.batches("p", session, limit=1_000_000)
                versions = [b.version for b in log]
                assert versions == list(range(1, len(versions) + 1))
                # One commit may have been written without its ack being printed.
                assert acked.get(session, 0) <= len(versions) <= acked.get(session, 0) + 1
                if stored is None:
                    assert not versions
                    continue
                assert stored.row.version == len(versions)
                assert stored.snapshot_version == len(versions) // 7 * 7
                assert [b.version for b in stored.batches] == versions[stored.snapshot_version :]
                assert [c.at for c in await storage.changes("p", session, limit=1_000_000)] == versions
                acked[session] = len(versions)
            await storage.check()
        finally:
            await storage.close()
        with contextlib.closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
