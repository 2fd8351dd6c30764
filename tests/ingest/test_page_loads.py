"""Page loads without end: each numbers its events, and each event counts once."""

import asyncio
from pathlib import Path

import pytest

from app.ingest.receive import Ingest
from app.sessions.producers import MAX_PRODUCERS
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.service import PROJECT, START, batch, folded, opened, service, slow_commit, sweep


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
    outcome = await folded(ingest, session, batch(*["click"] * (ack + 1), seq=1, producer=producer), clock())
    assert (outcome.accepted, outcome.duplicates, outcome.ack) == (1, ack, ack + 1)
    assert session.event_count == count + 1
    return session


async def test_a_loss_that_was_declared_alone_is_remembered(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)
        await ingest.receive(session, batch("click", seq=1), clock()).durable
        outcome = await folded(ingest, session, batch(seq=10, lost=8), clock())
        assert (outcome.ack, outcome.accepted) == (9, 0)
        again = await folded(ingest, session, batch(seq=10, lost=8), clock())
        assert again.ack == 9
    async with service(tmp_path, clock) as ingest:
        found = await ingest.find(PROJECT, "s")
        assert found is not None
        assert found.hello("p", None, 0, clock()) == 9
        assert (await folded(ingest, found, batch("click", seq=10), clock())).accepted == 1


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
