"""What is folded, pushed and stored; what is refused; what an erasure ends."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from app.errors import Revoked, StorageUnavailable
from app.mood import Reading
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
