"""Sessions that leave memory, come back, are erased while somebody holds them: ingest on a real database, with
time as an argument."""

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import protocol
from app.errors import Revoked, StorageUnavailable
from app.ingest.history_rows import history_row, mood_columns, told
from app.ingest.receive import Ingest
from app.ingest.sweep import DUE_AT_ONCE
from app.mood import Event, MoodEngine, Reading
from app.protocol.batches import WireEvent
from app.protocol.events import to_event
from app.protocol.readings import reading_dict
from app.sessions.producers import MAX_PRODUCERS
from app.sessions.registry import SLOT_MS
from app.sessions.session import Session
from app.sessions.stored_row import ROW_LAG_MS
from app.storage.sqlite.database import SQLiteStorage
from tests.support.clock import Clock
from tests.support.service import PROJECT, START, opened, service, shown, slow_commit, sweep


class Listener:
    every = False

    def push(self, reading: object, offer: object, changed: bool) -> None: ...


def batch(*kinds: str, seq: int | None = None, lost: int = 0, producer: str = "p") -> protocol.Batch:
    events = [WireEvent(type=kind, target="#pay") for kind in kinds]
    return protocol.Batch(events=events, producer=producer if seq else None, seq=seq, lost=lost)


async def test_an_idle_session_comes_back_as_it_was(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest, service(tmp_path / "other", clock) as other:
        gone, stays = opened(ingest, "s", clock), opened(other, "s", clock)
        for step in range(30):
            for where, session in ((ingest, gone), (other, stays)):
                kinds = ("click", "rage_click") if step % 7 else ("page_view", "scroll")
                await where.receive(session, batch(*kinds, seq=2 * step + 1), clock()).durable
            clock.now += 61_000 if step % 3 == 0 else 700
            sweep(ingest).evict_idle(clock())
            await ingest.store.settled()
            assert (ingest.sessions.get(PROJECT, "s") is None) == (step % 3 == 0)
            found = await ingest.find(PROJECT, "s")
            assert found is not None
            gone = found
            assert shown(ingest, gone, clock()) == shown(other, stays, clock())
        assert ingest.counters.loaded == 10


async def test_those_in_memory_do_not_crowd_out_those_who_are_not(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        for index in range(DUE_AT_ONCE + 50):
            session = opened(ingest, f"here{index}", clock)
            session.subscribers = []
            ingest.receive(session, batch("click"), clock())
        clock.now += 10
        away = opened(ingest, "away", clock)
        await ingest.receive(away, batch("click"), clock()).durable
        ingest.sessions.remove(away)
        clock.now += 5_000
        await sweep(ingest).wake_stored(within=0)
        assert ingest.sessions.get(PROJECT, "away") is not None
        await ingest.store.settled()
        row = await ingest.store.row(PROJECT, "away")
        assert row is not None
        assert (row.due_at or 0) > clock()


@pytest.mark.parametrize("then", ["nothing", "a listener", "a batch"])
async def test_who_was_woken_for_the_time_alone_leaves_memory_again(tmp_path: Path, then: str) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await ingest.receive(session, batch(*["click"] * 40), clock()).durable
        ingest.sessions.remove(session)
        clock.now += 5_000
        with slow_commit(ingest):
            await sweep(ingest).wake_stored(within=0)
            woken = ingest.sessions.get(PROJECT, "s")
            assert woken is not None
            if then == "a listener":
                woken.subscribers = [Listener()]
            elif then == "a batch":
                ingest.receive(woken, batch("click"), clock())
        await ingest.store.settled()
        assert (ingest.sessions.get(PROJECT, "s") is None) == (then == "nothing")
        found = await ingest.find(PROJECT, "s")
        assert found is not None
        assert found.event_count == (41 if then == "a batch" else 40)


async def test_an_erased_session_does_not_rise_again(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        held = opened(ingest, "s", clock)
        await ingest.receive(held, batch("click", seq=1), clock()).durable
        ingest.receive(held, batch("rage_click", seq=2), clock())  # still on its way to the disk
        assert await ingest.erase(PROJECT, "s")
        with pytest.raises(Revoked):
            ingest.receive(held, batch("click", seq=3), clock())
        for _ in range(600):
            clock.now += 1000
            ingest.reading(held, clock())
            sweep(ingest).wake(clock())
        await ingest.store.settled()
        assert await ingest.store.row(PROJECT, "s") is None
        assert await ingest.find(PROJECT, "s") is None
        fresh = opened(ingest, "s", clock)
        assert (await _fold(ingest, fresh, batch("click", seq=1), clock())).accepted == 1
        assert [row.version for row in await ingest.store.batches(PROJECT, "s")] == [1]


async def _fold(ingest: Ingest, session: Session, batch: protocol.Batch, now: int) -> Any:
    receipt = ingest.receive(session, batch, now)
    await receipt.durable
    return receipt.outcome


async def test_an_erasure_waits_for_a_load_that_is_under_way(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await ingest.receive(session, batch("click", seq=1), clock()).durable
        ingest.sessions.remove(session)
        finding = asyncio.ensure_future(ingest.find(PROJECT, "s"))
        await asyncio.sleep(0)
        assert await ingest.erase(PROJECT, "s")
        found = await finding
        if found is not None:
            with pytest.raises(Revoked):
                ingest.receive(found, batch("click", seq=2), clock())
        assert await ingest.find(PROJECT, "s") is None


async def test_a_loss_that_was_declared_alone_is_remembered(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await ingest.receive(session, batch("click", seq=1), clock()).durable
        outcome = await _fold(ingest, session, batch(seq=10, lost=8), clock())
        assert (outcome.ack, outcome.accepted) == (9, 0)
        again = await _fold(ingest, session, batch(seq=10, lost=8), clock())
        assert again.ack == 9
    async with service(tmp_path, clock) as ingest:
        found = await ingest.find(PROJECT, "s")
        assert found is not None
        assert found.hello("p", None, 0, clock()) == 9
        assert (await _fold(ingest, found, batch("click", seq=10), clock())).accepted == 1


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


async def test_a_full_queue_refuses_before_anything_is_folded_and_moods_stand(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock, max_queued_bytes=2000) as ingest:
        session = opened(ingest, "s", clock)
        seq = 1
        with pytest.raises(StorageUnavailable) as refused:
            while True:
                ingest.receive(session, batch("rage_click", "error", seq=seq), clock())
                seq += 2
        assert refused.value.retry_ms
        count, version = session.event_count, session.version
        before = shown(ingest, session, clock())
        assert count == seq - 1
        clock.now += 300_000
        assert shown(ingest, session, clock()) == before
        sweep(ingest).wake(clock())
        assert (session.event_count, session.version) == (count, version)
        await ingest.store.settled()
        assert shown(ingest, session, clock())["as_of"] > before["as_of"]
        assert (await _fold(ingest, session, batch("click", seq=seq), clock())).accepted == 1
        changes = await ingest.store.changes(PROJECT, "s")
        assert changes[-1].mood == shown(ingest, session, clock())["mood"]


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


async def visit(ingest: Ingest, session: Session, clock: Clock, producer: str) -> None:
    """One page load that does one thing and goes."""
    await ingest.recall(session, producer)
    await ingest.receive(session, batch("click", seq=1, producer=producer), clock()).durable


async def visits(ingest: Ingest, session: Session, clock: Clock, count: int) -> None:
    """So many page loads, p0 and on, one after the other."""
    for index in range(count):
        await visit(ingest, session, clock, f"p{index}")


async def comes_back(ingest: Ingest, clock: Clock, producer: str, ack: int) -> Session:
    """Page load `producer` says hello and sends all of its events once more, and one that is new."""
    session = await ingest.find(PROJECT, "s", producer)
    assert session is not None
    assert session.hello(producer, None, 0, clock()) == ack
    count = session.event_count
    outcome = await _fold(ingest, session, batch(*["click"] * (ack + 1), seq=1, producer=producer), clock())
    assert (outcome.accepted, outcome.duplicates, outcome.ack) == (1, ack, ack + 1)
    assert session.event_count == count + 1
    return session


async def test_who_comes_back_after_many_page_loads_counts_once(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await visits(ingest, session, clock, MAX_PRODUCERS + 40)
        assert len(session.producers) == MAX_PRODUCERS
        for index in (0, 20, 39, 40, MAX_PRODUCERS + 39):
            await comes_back(ingest, clock, f"p{index}", 1)
        assert len(session.producers) == MAX_PRODUCERS
        await comes_back(ingest, clock, "never was here", 0)
    async with service(tmp_path, clock) as ingest:  # from the snapshot and the log after it
        for index in (1, 20, 35, MAX_PRODUCERS + 39):
            found = await comes_back(
                ingest, clock, f"p{index}", 2 if index in (20, MAX_PRODUCERS + 39) else 1
            )
        rows = await ingest.store.batches(PROJECT, "s")
        assert sum(row.count for row in rows) == found.event_count == MAX_PRODUCERS + 40 + 6 + 4


async def test_who_was_pushed_out_a_moment_ago_is_found_though_nothing_is_written_yet(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await visits(ingest, session, clock, MAX_PRODUCERS)
        with slow_commit(ingest):
            session.remember("late", 0, 0)
            ingest.receive(session, batch("click", seq=1, producer="late"), clock())
            assert not session.knows("p0")
            found = [asyncio.ensure_future(ingest.find(PROJECT, "s", "p0")) for _ in range(5)]
            await asyncio.sleep(0)
            assert not any(each.done() for each in found)
        assert await asyncio.gather(*found) == [session] * 5
        assert session.producers["p0"].ack == 1


async def test_a_batch_of_a_page_load_that_is_not_known_is_not_folded_by_mistake(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await visits(ingest, session, clock, MAX_PRODUCERS + 1)
        with pytest.raises(AssertionError):
            ingest.receive(session, batch("click", seq=1, producer="p0"), clock())
        assert session.event_count == MAX_PRODUCERS + 1


async def test_hellos_without_end_hold_nothing_and_lose_nothing(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        for index in range(MAX_PRODUCERS + 5):
            await visit(ingest, session, clock, f"p{index}")
        for index in range(3 * MAX_PRODUCERS):
            await ingest.recall(session, f"flood{index}")
            session.hello(f"flood{index}", None, 0, clock())
            assert len(session.producers) == MAX_PRODUCERS
        clock.now += 61_000
        sweep(ingest).evict_idle(clock())
        await ingest.store.settled()
        assert ingest.sessions.get(PROJECT, "s") is None
        for index in (0, 5, 6, MAX_PRODUCERS + 4):
            await comes_back(ingest, clock, f"p{index}", 1)


class Diary:
    """A subscriber who notes each change of mood that it is told of."""

    every = True

    def __init__(self) -> None:
        self.moods: list[str] = []

    def push(self, reading: Reading, offer: object, changed: bool) -> None:
        if not self.moods or reading.mood != self.moods[-1]:
            self.moods.append(reading.mood)


@pytest.mark.parametrize("seed", range(12))
async def test_every_change_that_was_pushed_is_in_the_timeline(tmp_path: Path, seed: int) -> None:
    """Whatever caused it: an event, one sent again, an empty batch, time, an event that comes late."""
    draw = random.Random(seed)
    clock = Clock(START)
    diary = Diary()
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        session.subscribers = [diary]
        seq = 0
        for _ in range(120):
            clock.now += draw.choice((40, 300, 1500, 9_000, 40_000, 200_000))
            cause = draw.choice(("event", "event", "again", "empty", "time", "late"))
            if cause == "time" and seq:
                ingest.pass_time(session, clock())
                continue
            kinds = draw.choices(("click", "dead_click", "response", "rage_click", "goal", "scroll"), k=3)
            sent = batch(*kinds, seq=seq + 1)
            if cause == "again" and seq:
                sent = batch(*kinds, seq=seq - 2)
            elif cause == "empty":
                sent = batch(seq=seq + 1)
            else:
                seq += 3
                if cause == "late":
                    for event in sent.events:
                        event.at = clock() - 30_000
            await _fold(ingest, session, sent, clock())
            await ingest.store.settled()
            row = await ingest.store.row(PROJECT, "s")
            assert session.event_count == 0 or row is not None
            if row is not None:
                assert row.traits == session.history.traits()  # what lists are filtered by never lags
        await ingest.store.settled()
        kept = [change.mood for change in await ingest.store.changes(PROJECT, "s")]
    assert len(diary.moods) > 4
    # a change that a late event brings is dated by when it was learned, so the order may be another
    assert Counter(diary.moods) <= Counter(kept)


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


async def test_a_row_that_lags_is_written_though_nothing_happens(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        for seq in range(1, 40):
            clock.now += 100
            await ingest.receive(session, batch("click", seq=seq), clock()).durable
        row = await ingest.store.row(PROJECT, "s")
        assert row is not None
        assert row.event_count < 39  # else nothing lags
        assert ingest.current(row).event_count == 39
        last = clock()
        for _ in range(ROW_LAG_MS // SLOT_MS + 2):
            clock.now += SLOT_MS
            sweep(ingest).wake(clock())
        await ingest.store.settled()
        row = await ingest.store.row(PROJECT, "s")
        assert row is not None
        assert (row.event_count, row.last_at) == (39, last)


async def test_rows_that_a_crash_left_behind_are_written_at_the_next_start(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        for id in "abc":
            session = opened(ingest, id, clock)
            for seq in range(1, 30):
                await ingest.receive(session, batch("click", seq=seq), clock()).durable
    async with service(tmp_path, clock) as ingest:
        await sweep(ingest).catch_up()
        await ingest.store.settled()
        for id in "abc":
            row = await ingest.store.row(PROJECT, id)
            assert row is not None
            assert (row.version, row.event_count) == (29, 29)
            assert ingest.sessions.get(PROJECT, id) is None  # it was read for that alone
        assert (await ingest.store.lagging(10**9)).names == []


class Refusals:
    """A call that fails with each of `errors`, one after the other, before it goes `through`."""

    def __init__(self, call: Callable[..., Any], *errors: Exception) -> None:
        self.call, self.errors, self.through = call, list(errors), 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        self.through += 1
        return self.call(*args, **options)


class BrokenOnce:
    """What looks on fails, when time passes for the first time."""

    broken = True

    def receive(self, event: Event, engine: MoodEngine) -> None:
        pass

    def advance(self, now: int, engine: MoodEngine) -> None:
        if self.broken:
            self.broken = False
            raise ZeroDivisionError


async def test_a_sweep_outlives_what_goes_wrong_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In memory and in storage, for defects and while the disk is at fault; each session for itself."""
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        for name in ("a", "b"):
            await ingest.receive(opened(ingest, name, clock), batch("click", "rage_click"), clock()).durable
        waking = sweep(ingest)
        broken = ingest.sessions.get(PROJECT, "a")
        assert broken is not None
        broken.observer = BrokenOnce()
        clock.now += 3_600_000
        waking.wake(clock())
        assert "a session could not be advanced" in caplog.text
        assert ingest.counters.swept == 1
        for _ in range(2):  # what time brought is stored first, then what snapshots can spare
            await ingest.store.settled()
            waking.evict_idle(clock())
        await ingest.store.settled()
        assert [ingest.sessions.get(PROJECT, name) for name in ("a", "b")] == [None, None]

        away, defect = StorageUnavailable("away"), ZeroDivisionError()
        due, due_here = Refusals(ingest.store.due, away, defect), Refusals(waking._waking, away, defect)
        monkeypatch.setattr(ingest.store, "due", due)
        monkeypatch.setattr(waking, "_waking", due_here)
        monkeypatch.setattr(ingest.store, "lagging", Refusals(ingest.store.lagging, defect))
        monkeypatch.setattr("app.ingest.sweep.DUE_EVERY", 0.01)
        await waking.start()
        async with asyncio.timeout(20):
            while not (due.through and due_here.through):
                await asyncio.sleep(0.01)
        await waking.stop()
        for said in ("stored sessions could not be woken", "rows that lag behind", "the sweep failed"):
            assert caplog.text.count(said) == 1


async def test_a_round_ends_where_storage_can_read_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        for index in range(12):
            await ingest.receive(opened(ingest, f"s{index}", clock), batch("click"), clock()).durable
        clock.now += 3_600_000
        sweep(ingest).evict_idle(clock())
        await ingest.store.settled()
        asked: list[str] = []

        async def away(project: str, id: str) -> Session | None:
            asked.append(id)
            raise StorageUnavailable("away")

        monkeypatch.setattr(ingest, "find", away)
        with pytest.raises(StorageUnavailable):
            await sweep(ingest).wake_stored(0.01)
        assert 1 < len(asked) < 12


async def test_a_stop_leaves_to_the_log_what_it_has_no_time_for(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        for index in range(150):
            ingest.receive(opened(ingest, f"s{index}", clock), batch("click"), clock())
        await ingest.store.settled()
        await sweep(ingest).stop(by=asyncio.get_running_loop().time())
        assert len(ingest.sessions) == 150
        await sweep(ingest).stop()
        await ingest.store.settled()
        for index in range(150):
            stored = await ingest.store.load(PROJECT, f"s{index}")
            assert stored is not None
            assert (stored.row.event_count, stored.batches) == (1, [])
