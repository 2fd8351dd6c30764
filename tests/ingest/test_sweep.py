"""What time does: who is due is woken, who is idle leaves memory, and what goes wrong costs itself only."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from app.errors import StorageUnavailable
from app.ingest.sweep import DUE_AT_ONCE, SHARE
from app.mood import Event, MoodEngine
from app.sessions.registry import SLOT_MS
from app.sessions.session import Session
from app.sessions.stored_row import ROW_LAG_MS
from tests.support.clock import Clock
from tests.support.refusals import Refusals
from tests.support.service import PROJECT, START, batch, opened, service, shown, slow_commit, sweep


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


class Listener:
    every = False

    def push(self, reading: object, offer: object, changed: bool) -> None: ...


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


async def test_who_came_or_went_since_it_was_seen_to_be_due_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        await ingest.receive(opened(ingest, "came", clock), batch("click"), clock()).durable
        came = ingest.sessions.get(PROJECT, "came")
        assert came is not None
        ingest.sessions.remove(came)
        clock.now += 3_600_000
        due = await ingest.store.due(clock(), 10)
        assert due == [(PROJECT, "came")]

        async def seen(*_: object) -> list[tuple[str, str]]:
            return [(PROJECT, "went"), *due]

        find = ingest.find

        async def meanwhile(project: str, id: str) -> Session | None:
            if id == "went":
                ingest.sessions.add(came)
            return await find(project, id)

        monkeypatch.setattr(ingest.store, "due", seen)
        monkeypatch.setattr(ingest, "find", meanwhile)
        await sweep(ingest).wake_stored(0)
        assert ingest.sessions.get(PROJECT, "came") is came
        assert ingest.sessions.get(PROJECT, "went") is None
        assert not came.pending  # it is woken by its own clock hand


class Steps:
    """Stands in for `time`: each look at the clock takes a tenth of a share."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += SHARE / 10
        return self.now


async def test_however_many_are_due_at_once_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that came together are woken together, and leave memory together."""
    clock, count = Clock(START), 500
    async with service(tmp_path, clock) as ingest:
        for index in range(count):
            ingest.receive(opened(ingest, f"s{index}", clock), batch("click"), clock())
        await ingest.store.settled()
        counters, done = ingest.counters, [(0, 0)]
        clock.now += 3_600_000
        monkeypatch.setattr("app.ingest.sweep.time", Steps())
        sweeping = sweep(ingest)
        await sweeping.start()
        async with asyncio.timeout(30):
            while ingest.sessions or counters.swept < count:
                await asyncio.sleep(0)
                done.append((counters.swept, counters.evicted))
        await sweeping.stop()
        turns = list(pairwise(done))
        assert max(after[0] - before[0] for before, after in turns) <= 11
        assert counters.swept == counters.evicted == count
        for index in range(count):
            row = await ingest.store.row(PROJECT, f"s{index}")
            assert row is not None
            assert row.due_at is None or row.due_at > clock()


class Defect:
    """Watches a session, and fails whenever time passes."""

    def __init__(self) -> None:
        self.asked, self.mended = 0, False

    def receive(self, event: object, engine: object) -> None: ...

    def advance(self, now: int, engine: object) -> None:
        self.asked += 1
        if not self.mended:
            raise ZeroDivisionError


async def test_a_session_that_cannot_be_advanced_is_told_once_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session, other = opened(ingest, "s", clock), opened(ingest, "other", clock)
        for each in (session, other):
            await ingest.receive(each, batch("click", "rage_click", seq=1), clock()).durable
        defect = session.observer = Defect()
        waking = sweep(ingest)

        def pass_minutes(minutes: int) -> None:
            for _ in range(600 * minutes):
                clock.now += SLOT_MS
                waking.wake(clock())

        pass_minutes(5)
        assert 4 <= defect.asked <= 6  # not ten times a second
        told = [record for record in caplog.records if "could not be advanced" in record.getMessage()]
        assert [(vars(record)["session"], record.exc_info is None) for record in told] == [("s", False)]
        assert (other.wake_at() or clock() + 1) > clock()  # the rest went on
        defect.mended = True
        pass_minutes(2)
        assert (session.wake_at() or clock() + 1) > clock()
        assert len(caplog.records) == len(told)
        ingest.receive(session, batch("rage_click", seq=3), clock())
        defect.mended = False
        pass_minutes(2)
        told = [record for record in caplog.records if "could not be advanced" in record.getMessage()]
        assert len(told) == 2  # another time, another story
        ingest.receive(other, batch("click", seq=3), clock())
        other.observer = defect
        monkeypatch.setattr("app.ingest.sweep.MAX_TOLD", 1)
        pass_minutes(3)
        names = {vars(record)["session"] for record in caplog.records[-2:]}
        assert names == {"s", "other"}  # of so many at most it is remembered
