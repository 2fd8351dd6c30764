"""Sessions that come back from storage: after an upgrade, from a snapshot nobody can read, after a crash."""

import contextlib
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import protocol
from app.ingest.history_rows import history_row, mood_columns, told
from app.ingest.receive import Ingest
from app.mood import MoodEngine
from app.protocol.batches import WireEvent
from app.protocol.events import to_event
from app.protocol.readings import reading_dict
from app.sessions.session import Session
from app.storage.sqlite.database import SQLiteStorage
from tests.support.clock import Clock
from tests.support.service import PROJECT, START, batch, opened, service, shown, slow_commit, sweep


def other_format(snapshot: bytes) -> bytes:
    return msgspec.msgpack.encode([99, *msgspec.msgpack.decode(snapshot)[1:5]])


def other_engine(snapshot: bytes) -> bytes:
    parts = msgspec.msgpack.decode(snapshot)
    parts[1][0] += 1
    parts[1].append("new in that version")
    return msgspec.msgpack.encode(parts)


@pytest.mark.parametrize("version", [other_format, other_engine])
async def test_after_an_upgrade_sessions_are_read_from_their_logs_and_nothing_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: Callable[[bytes], bytes]
) -> None:
    clock = Clock(START)
    names = ("a", "b", "c")
    async with service(tmp_path, clock) as ingest:
        sessions = [opened(ingest, name, clock) for name in names]
        for step in range(40):
            clock.now += 400
            for session in sessions:
                await ingest.receive(session, batch("rage_click", "error", seq=2 * step + 1), clock()).durable
        before = [shown(ingest, session, clock()) for session in sessions]
    with contextlib.closing(sqlite3.connect(tmp_path / "test.db")) as connection, connection:
        kept = connection.execute("SELECT rowid, state FROM snapshots").fetchall()
        assert len(kept) == 3
        for rowid, state in kept:
            connection.execute("UPDATE snapshots SET state = ? WHERE rowid = ?", (version(state), rowid))
    caplog.set_level("INFO")
    async with service(tmp_path, clock) as ingest:
        found = [await ingest.find(PROJECT, name) for name in names]
        assert [shown(ingest, session, clock()) for session in found if session is not None] == before
        assert not ingest.store.state().damaged
    told = [record.getMessage() for record in caplog.records if "read" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("sessions that another version kept are read from their logs again")


async def test_a_snapshot_that_nobody_can_read_any_more_costs_nothing(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        for step in range(40):
            clock.now += 400
            await ingest.receive(session, batch("rage_click", "error", seq=2 * step + 1), clock()).durable
        before = shown(ingest, session, clock())
        store = ingest.store
        assert isinstance(store, SQLiteStorage)
        await store.queue.run(
            lambda connection: connection.execute("UPDATE snapshots SET state = ?", (b"\x97\x63",)).rowcount
        )
    async with service(tmp_path, clock) as ingest:
        found = await ingest.find(PROJECT, "s")
        assert found is not None
        assert shown(ingest, found, clock()) == before
        assert found.hello("p", None, 0, clock()) == 80
        await ingest.store.settled()
        stored = await ingest.store.load(PROJECT, "s")
        assert stored is not None
        assert stored.snapshot_version == stored.row.version == 40
        assert msgspec.msgpack.decode(stored.snapshot or b"")[0] != 0x63


async def test_a_row_of_the_log_that_cannot_be_read_costs_itself_only(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        for seq in (1, 2, 3):
            await ingest.receive(session, batch("click", seq=seq), clock()).durable
    with contextlib.closing(sqlite3.connect(tmp_path / "test.db")) as connection, connection:
        connection.execute("DELETE FROM snapshots")
        connection.execute("UPDATE log SET events = '[5]' WHERE version = 2")
    async with service(tmp_path, clock) as ingest:
        found = await ingest.find(PROJECT, "s")
        assert found is not None
        assert (found.version, found.event_count, found.producers["p"].ack) == (3, 2, 3)
        assert ingest.store.state().damaged == {"log": 1}


async def test_who_comes_back_while_the_snapshot_is_being_written_does_not_split_time(tmp_path: Path) -> None:
    """An event dated before the snapshot's moment must count the same in memory, in the log and after a load."""
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        session.hello("p", clock(), 0, clock())
        for seq in (1, 2):
            await ingest.receive(session, batch("click", seq=seq), clock()).durable
        clock.now += 10_500
        sweep(ingest).wake(clock())
        assert session.snapshot_version < session.version
        clock.now += 60_000
        with slow_commit(ingest):
            sweep(ingest).evict_idle(clock())
            found = await ingest.find(PROJECT, "s")
        assert found is not None
        late = batch("click", seq=3)
        late.events[0].at = clock() - 68_000
        await ingest.receive(found, late, clock()).durable
    async with service(tmp_path, clock) as ingest:
        again = await ingest.find(PROJECT, "s")
        assert again is not None
        rows = await ingest.store.batches(PROJECT, "s")
    engine = MoodEngine("s", START)
    for row in rows:
        for wire in protocol.decode_log(row.events):
            engine.receive(to_event(wire, row.reports))
    engine.advance(clock())
    again.advance(clock())
    assert again.engine is not None
    assert again.engine.state() == engine.state()
    assert engine.event_count == 3


def remembered(ingest: Ingest, session: Session, now: int) -> dict[str, Any]:
    """All that is told of a session."""
    reading = ingest.reading(session, now)
    return {
        "version": session.version,
        "numbers": {id: known.ack for id, known in session.producers.items()},
        "times": (session.created_at, session.last_at, session.page),
        "columns": mood_columns(session.history, session.model),
        "history": told(session.history.traits(), history_row(session.history), session.model),
        "reading": None if reading is None else reading_dict(reading, session.offer),
    }


@pytest.mark.parametrize("seed", range(8))
async def test_a_crash_at_any_moment_takes_nothing_back(tmp_path: Path, seed: int) -> None:
    """What is in memory alone goes; whoever comes next finds all the same, and lists show it soon."""
    draw = random.Random(seed)
    clock = Clock(START)
    seq = 0
    last: dict[str, Any] | None = None
    for _ in range(8):
        async with service(tmp_path, clock) as ingest:
            if last is not None:
                row = await ingest.store.row(PROJECT, "s")
                assert row is not None
                assert row.traits == last["columns"][-1]
                if draw.random() < 0.5:
                    await sweep(ingest).catch_up()
                    await ingest.store.settled()
                    row = await ingest.store.row(PROJECT, "s")
                    assert row is not None
                    assert (row.version, row.event_count) == (last["version"], seq)
            found = await ingest.find(PROJECT, "s")
            session = found or opened(ingest, "s", clock)
            if last is not None:
                assert remembered(ingest, session, clock()) == last
            for _ in range(draw.randrange(1, 25)):
                clock.now += draw.choice((40, 300, 1500, 4_000, 9_000, 40_000))
                if draw.random() < 0.2:
                    ingest.pass_time(session, clock())
                    continue
                kinds = draw.choices(("click", "dead_click", "rage_click", "error", "goal", "scroll"), k=2)
                sent = batch(*kinds, seq=seq + 1)
                if draw.random() < 0.1:
                    sent = protocol.Batch(
                        events=[WireEvent(type="help", kind=draw.choice(("shown", "accepted", "dismissed")))] * 2,
                        producer="p", seq=seq + 1,
                    )  # fmt: skip
                seq += 2
                await ingest.receive(session, sent, clock()).durable
            last = remembered(ingest, session, clock())
            await ingest.store.settled()
