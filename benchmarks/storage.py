"""Entries a second and commit latency of the SQLite storage, beside a commit per entry, in one run.

    python -m benchmarks.storage [--seconds 3] [--clients 1 16 256] [--folder DIR]

A client sends a batch of 20 events, waits until it is durable, and sends the next. Both sides write to the
same kind of file (WAL, synchronous=FULL) on the same disk, in alternation; figures are the median of the
rounds. Read the ratios: they survive a slow disk and a busy machine, the rates do not.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosqlite
import msgspec

from app.storage import Batch, Entry, SessionRow
from app.storage.migrations import migrate_sqlite
from app.storage.rows import SESSION_COLUMNS
from app.storage.sqlite.connection import Connection, writing
from app.storage.sqlite.database import SQLiteStorage

EVENTS = 20
EVENT = {"type": "click", "at": 1_764_000_000_000, "target": "#shop > button.buy", "x": 120, "y": 340}
BLOB = msgspec.json.encode([EVENT] * EVENTS)

Write = Callable[[Entry], Awaitable[None]]


class Round(msgspec.Struct):
    """Seconds and waits (ms) of one side's round."""

    entries_per_second: float
    p50: float
    p99: float


def entry(client: int, version: int, whole: bool) -> Entry:
    """`whole`: with the session's row, as one writes first; ours goes with the first batch only."""
    at = EVENT["at"]
    assert isinstance(at, int)
    row = SessionRow(
        "bench",
        f"session-{client}",
        version,
        at,
        at + version,
        version * EVENTS,
        "engaged",
        0.7,
        "none",
        at + version,
        0b1001,
        "/",
        at,
        False,
    )
    seq = version * EVENTS
    batch = Batch(version, at + version, "tab", seq - EVENTS + 1, seq, 0, EVENTS, BLOB)
    return Entry(row if whole or version == 1 else None, batch, of=(row.project, row.session))


async def measure(write: Write, clients: int, seconds: float, whole: bool = False) -> Round:
    waits: list[float] = []
    began = time.perf_counter()

    async def client(number: int) -> None:
        version = 0
        while (sent := time.perf_counter()) - began < seconds:
            version += 1
            await write(entry(number, version, whole))
            waits.append(time.perf_counter() - sent)

    await asyncio.gather(*(client(number) for number in range(clients)))
    took = time.perf_counter() - began
    waits.sort()
    return Round(len(waits) / took, waits[len(waits) // 2] * 1000, waits[len(waits) * 99 // 100] * 1000)


async def grouped(folder: Path, clients: int, seconds: float) -> Round:
    storage = SQLiteStorage(folder / "grouped.db")
    await storage.open()

    async def write(entry: Entry) -> None:
        await storage.submit(entry)

    try:
        return await measure(write, clients, seconds)
    finally:
        await storage.close()


async def one_by_one(folder: Path, clients: int, seconds: float) -> Round:
    """What one writes first: execute, execute, commit, under a lock since a connection has one transaction."""
    path = folder / "one_by_one.db"
    schema = Connection(str(path), writing)
    async with schema:
        await schema.run(migrate_sqlite)
    lock = asyncio.Lock()
    marks = ",".join("?" * len(SESSION_COLUMNS.split(",")))
    async with aiosqlite.connect(path) as database:
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute("PRAGMA synchronous = FULL")

        async def write(entry: Entry) -> None:
            row, batch = entry.row, entry.batch
            assert row is not None
            assert batch is not None
            async with lock:
                await database.execute(
                    f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES ({marks}) "
                    "ON CONFLICT (project, session) DO UPDATE SET version = excluded.version, "
                    "last_at = excluded.last_at, event_count = excluded.event_count, mood = excluded.mood, "
                    "confidence = excluded.confidence, due_at = excluded.due_at, page = excluded.page",
                    msgspec.structs.astuple(row),
                )
                await database.execute(
                    "INSERT INTO log (session_id, version, at, producer, first_seq, last_seq, reports, count, events)"
                    " SELECT id, ?,?,?,?,?,?,?,? FROM sessions WHERE project = ? AND session = ?",
                    (*msgspec.structs.astuple(batch), row.project, row.session),
                )
                await database.commit()

        return await measure(write, clients, seconds, whole=True)


def median(rounds: list[Round]) -> Round:
    return Round(
        statistics.median(r.entries_per_second for r in rounds),
        statistics.median(r.p50 for r in rounds),
        statistics.median(r.p99 for r in rounds),
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--clients", type=int, nargs="+", default=[1, 16, 256])
    options.add_argument("--folder", type=Path, help="on the disk to measure; default: the temporary folder")
    chosen = options.parse_args()
    print(f"{'clients':>7}  {'':12}{'entries/s':>10}{'events/s':>10}{'p50 ms':>9}{'p99 ms':>9}")
    for clients in chosen.clients:
        ours: list[Round] = []
        theirs: list[Round] = []
        for _ in range(chosen.rounds):
            for side, rounds in ((grouped, ours), (one_by_one, theirs)):
                with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
                    rounds.append(asyncio.run(side(Path(folder), clients, chosen.seconds)))
        a, b = median(ours), median(theirs)
        for name, r in (("grouped", a), ("one by one", b)):
            print(
                f"{clients:>7}  {name:12}{r.entries_per_second:>10.0f}{r.entries_per_second * EVENTS:>10.0f}"
                f"{r.p50:>9.2f}{r.p99:>9.2f}"
            )
        print(
            f"{'':7}  {'ratio':12}{a.entries_per_second / b.entries_per_second:>9.1f}x{'':10}"
            f"{b.p50 / a.p50:>8.1f}x{b.p99 / a.p99:>8.1f}x"
        )


if __name__ == "__main__":
    main()
