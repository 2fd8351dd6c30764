"""A power cut, unlike a kill, also takes what the operating system had not written yet."""

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

from tests.faults import power, truth
from tests.faults.disk import Disk
from tests.support.server import FirstStart, ServerProcess, running

SESSIONS = 8
BATCHES = 40
CUTS = 60


@pytest.mark.slow
async def test_what_was_acked_survives_a_power_cut(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    disk = Disk(tmp_path)
    acked: list[tuple[int, str, int]] = []  # the journal's length when the client knew, session, number
    with running(tmp_path, FirstStart, **disk.settings, DISK_JOURNAL=disk.journal) as server:
        begins = disk.journal.stat().st_size
        for phase in range(2):
            await asyncio.gather(*(send(server, disk, f"s{phase}.{n}", acked) for n in range(SESSIONS)))
            await folded(disk, phase + 2)
        await asyncio.gather(*(send(server, disk, f"s.{n}", acked) for n in range(SESSIONS)))
    steps = list(power.read(disk.journal.read_bytes()))
    survived = 0
    for cut in range(CUTS):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        until = rng.randint(begins, steps[-1].end)
        power.restore(steps, until, folder, rng)
        known = {session: 0 for _, session, _ in acked}
        for length, session, seq in acked:
            if length <= until:
                known[session] = max(known[session], seq)
        database = folder / "sessionmood.db"
        with contextlib.closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for session, seq in known.items():
            rows = truth.log_of(database, session)
            assert [row.first_seq for row in rows] == [3 * n + 1 for n in range(len(rows))]
            assert 3 * len(rows) >= seq, f"{session} was acked {seq}"
            survived += seq
    print(f"power cuts {CUTS}, acked events that had to survive, over all cuts: {survived}")
    assert survived > 0


async def send(server: ServerProcess, disk: Disk, session: str, acked: list[tuple[int, str, int]]) -> None:
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        for batch in range(BATCHES):
            events = [{"type": "rage_click" if batch % 5 else "error", "target": "#pay"}] * 3
            await socket.send({"op": "events", "seq": 3 * batch + 1, "events": events})
            seq = (await socket.until("ack"))["seq"]
            acked.append((disk.journal.stat().st_size, session, seq))


async def folded(disk: Disk, times: int) -> None:
    """Wait until the write-ahead log was folded into the file so often."""
    async with asyncio.timeout(20):
        while disk.journal.read_bytes().count(b"s sessionmood.db\n") < times:
            await asyncio.sleep(0.1)
