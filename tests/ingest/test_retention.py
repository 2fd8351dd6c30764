"""The end of sessions, on a real database, with time as an argument."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.ingest.receive import Ingest
from app.ingest.retention import DAY_MS, LEAP_MS, Retention, refusal
from app.protocol.batches import Batch, WireEvent
from app.sessions.registry import Sessions
from app.storage.sqlite.database import SQLiteStorage
from tests.support.clock import Clock

START = 1_800_000_000_000
KEPT_DAYS = 90.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    store = SQLiteStorage(tmp_path / "test.db")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def ingest(store: SQLiteStorage, clock: Clock) -> Ingest:
    return Ingest(Sessions(), store, clock)


@pytest.fixture
def retention(store: SQLiteStorage, ingest: Ingest, clock: Clock) -> Retention:
    async def expire(before: int, limit: int) -> int:
        return (await ingest.expire(before, limit))[0]

    return Retention(store, clock, KEPT_DAYS, expire)


async def visit(ingest: Ingest, id: str) -> None:
    """One event, after which nothing of it is in memory."""
    session = ingest.open("p", id, ingest.clock(), publishable=True)
    await ingest.receive(session, Batch(events=[WireEvent(type="click")]), ingest.clock()).durable
    ingest.sessions.remove(session)


async def kept(store: SQLiteStorage) -> list[str]:
    return sorted(row.session for row in (await store.sessions("p", limit=500)).sessions)


async def test_a_year_of_days_keeps_ninety(
    store: SQLiteStorage, ingest: Ingest, retention: Retention, clock: Clock
) -> None:
    for day in range(200):
        await visit(ingest, f"day{day:03}")
        await retention.look()
        clock.now += DAY_MS
    assert (await kept(store))[0] == "day109"
    assert len(await kept(store)) == 91
    assert retention.refused == ""


async def test_a_start_a_hundred_days_ahead_erases_nothing_and_says_so(
    store: SQLiteStorage,
    ingest: Ingest,
    retention: Retention,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for n in range(5):
        await visit(ingest, f"s{n}")
    await retention.look()
    clock.now += 100 * DAY_MS
    for n in range(3):
        await retention.look()
        await visit(ingest, f"now{n}")  # what comes meanwhile does not make it more believable
    assert len(await kept(store)) == 8
    assert "100 days ahead" in retention.refused
    assert "sessionmood expire --yes" in caplog.text
    assert len(caplog.records) == 1
    clock.now -= 100 * DAY_MS  # it was wrong
    await retention.look()
    assert retention.refused == ""
    assert len(await kept(store)) == 8
    clock.now += 100 * DAY_MS  # it is right: the server was not needed for so long
    await retention.look()
    assert retention.refused
    await store.see_clock(clock.now)
    await retention.look()
    assert retention.refused == ""
    assert await kept(store) == ["now0", "now1", "now2"]


async def test_a_long_stop_that_makes_nothing_old_needs_nobody(
    store: SQLiteStorage, ingest: Ingest, retention: Retention, clock: Clock
) -> None:
    await visit(ingest, "s")
    await retention.look()
    clock.now += 30 * DAY_MS
    await retention.look()
    assert retention.refused == ""
    clock.now += LEAP_MS
    assert await refusal(store, clock.now, 0) == ""
    await retention.look()
    assert await kept(store) == ["s"]


async def test_a_shorter_retention_counts_at_once(
    store: SQLiteStorage, ingest: Ingest, retention: Retention, clock: Clock
) -> None:
    await visit(ingest, "s")
    for _ in range(60):
        clock.now += DAY_MS
        await retention.look()
    assert await kept(store) == ["s"]

    async def expire(before: int, limit: int) -> int:
        return (await ingest.expire(before, limit))[0]

    await Retention(store, clock, 30.0, expire).look()
    assert await kept(store) == []


async def test_who_is_in_memory_is_left_to_be_erased_with_care(
    store: SQLiteStorage, ingest: Ingest, clock: Clock
) -> None:
    await visit(ingest, "gone")
    await visit(ingest, "here")
    here = await ingest.find("p", "here")
    assert here is not None
    clock.now += DAY_MS
    assert await ingest.expire(clock.now, 10) == (1, [here])
    assert await kept(store) == ["here"]
    here.pending += 1
    assert await ingest.expire(clock.now, 10) == (0, [])


async def test_who_comes_back_while_it_is_erased_finds_nothing(
    store: SQLiteStorage, ingest: Ingest, clock: Clock
) -> None:
    await visit(ingest, "s")
    clock.now += DAY_MS
    erasing = store.expire([("p", "s")], clock.now)
    task = asyncio.ensure_future(erasing)
    await asyncio.sleep(0)
    assert await ingest.find("p", "s") is None
    assert await task == 1
