"""What is folded, pushed and stored; what is refused; what an erasure ends."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from app.errors import Overloaded, Revoked, StorageUnavailable
from app.ingest import MAX_FOLD_EVENTS
from app.mood import Model, Reading
from app.protocol import decode_log
from tests.support.clock import Clock
from tests.support.service import PROJECT, START, batch, folded, opened, service, shown, sweep


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
        assert (await folded(ingest, fresh, batch("click", seq=1), clock())).accepted == 1
        assert [row.version for row in await ingest.store.batches(PROJECT, "s")] == [1]


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
        assert (await folded(ingest, session, batch("click", seq=seq), clock())).accepted == 1
        changes = await ingest.store.changes(PROJECT, "s")
        assert changes[-1].mood == shown(ingest, session, clock())["mood"]


class Diary:
    """A subscriber who notes each change of mood that it is told of."""

    every = True

    def __init__(self) -> None:
        self.moods: list[str] = []
        self.count = 0

    def push(self, reading: Reading, offer: object, changed: bool) -> None:
        self.count += 1
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
            await folded(ingest, session, sent, clock())
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


async def test_sessions_that_come_faster_than_they_leave_are_refused(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        ingest.max_sessions = 2
        for index in range(4):
            opened(ingest, f"s{index}", clock)
        with pytest.raises(Overloaded) as refused:
            opened(ingest, "one too many", clock)
        assert refused.value.retry_ms
        with pytest.raises(Overloaded):
            ingest.accept(ingest.sessions.propose(PROJECT, "proposed", clock(), "nonce"))
        assert len(ingest.sessions) == 4


async def test_a_session_in_which_nothing_happened_leaves_with_its_last_listener(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        empty, used = opened(ingest, "empty", clock), opened(ingest, "used", clock)
        await ingest.receive(used, batch("click"), clock()).durable
        listeners = [Diary(), Diary()]
        for session, listener in zip((empty, used), listeners, strict=True):
            ingest.sessions.listen(session, listener)
        for session, listener in zip((empty, used), listeners, strict=True):
            ingest.leave(session, listener)
        assert (ingest.sessions.has(empty), ingest.sessions.has(used)) == (False, True)
        proposal, listener = ingest.sessions.propose(PROJECT, "proposed", clock(), "nonce"), Diary()
        ingest.sessions.listen(proposal, listener)
        ingest.leave(proposal, listener)
        assert ingest.sessions.proposals(PROJECT, "proposed") == []
        again, listener = opened(ingest, "empty", clock), Diary()
        ingest.sessions.listen(empty, listener)  # by who had it in hand
        ingest.leave(empty, listener)
        assert ingest.sessions.get(PROJECT, "empty") is again


class Broken(Diary):
    def push(self, *_: object) -> None:
        raise ZeroDivisionError


async def test_who_listens_to_changes_alone_is_told_of_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And one that fails costs no other."""
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session, all, changes = opened(ingest, "s", clock), Diary(), Diary()
        changes.every = False
        for listener in (Broken(), all, changes):
            ingest.sessions.listen(session, listener)
        for seq in range(1, 4):
            await folded(ingest, session, batch("click", seq=seq), clock())
        assert (all.count, changes.count) == (3, 1)
        assert [vars(record)["session"] for record in caplog.records] == ["s"] * 3


@pytest.mark.parametrize("holdout", [0.0, 1.0])
async def test_help_that_is_held_out_is_counted_apart(tmp_path: Path, holdout: float) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        ingest.sessions.model = Model.with_overrides({"help.holdout": holdout})
        session = opened(ingest, "s", clock)
        for seq in range(1, 40, 3):
            clock.now += 8_000
            await folded(ingest, session, batch("rage_click", "error", "dead_click", seq=seq), clock())
        counters = ingest.counters
        assert (counters.offers > 0, counters.held_out > 0) == (holdout == 0.0, holdout == 1.0)


async def test_an_empty_batch_stores_and_tells_what_time_has_brought(tmp_path: Path) -> None:
    clock, diary = Clock(START), Diary()
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        ingest.sessions.listen(session, diary)
        await folded(ingest, session, batch("rage_click", "rage_click", "error", "error", seq=1), clock())
        clock.now += 3_600_000
        outcome = await folded(ingest, session, batch(seq=5), clock())
        assert not outcome.moved
        kept = [change.mood for change in await ingest.store.changes(PROJECT, "s")]
        assert (diary.moods, len(kept) > 1) == (kept, True)


async def test_a_clock_that_a_request_tells_of_counts_without_a_number_too(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        for count in (1, 2 * MAX_FOLD_EVENTS + 1):  # in one go, and in parts
            sent = batch(*["click"] * count)
            sent.now = START - 7_200_000  # its clock is two hours behind
            for event in sent.events:
                event.at = START - 7_200_000 - 500
            receipt = await ingest.receive_in_parts(session, sent, clock())
            await receipt.durable
        assert session.last_at == START - 500
        assert {
            event.at for row in await ingest.store.batches(PROJECT, "s") for event in decode_log(row.events)
        } == {START - 500}


async def test_a_defect_in_the_first_part_of_a_large_batch_leaves_the_session_as_it_was(
    tmp_path: Path,
) -> None:
    class Defect:
        def receive(self, event: object, engine: object) -> None:
            raise ZeroDivisionError

        def advance(self, now: int, engine: object) -> None: ...

    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        session.observer = Defect()
        with pytest.raises(ZeroDivisionError):
            await ingest.receive_in_parts(session, batch(*["click"] * 500), clock())
        assert (session.pending, session.version) == (0, 0)


async def test_what_is_read_is_what_memory_says_where_it_is_newer(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await folded(ingest, session, batch("click", seq=1), clock())
        row = await ingest.store.row(PROJECT, "s")
        assert row is not None
        for seq in (2, 3):
            await folded(ingest, session, batch("click", seq=seq), clock())
        assert ingest.current(row).event_count == 3
        ingest.sessions.remove(session)
        assert ingest.current(row) is row
        assert await ingest.erase(PROJECT, "s")  # also what is not in memory
        assert not await ingest.erase(PROJECT, "s")
