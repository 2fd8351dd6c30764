"""Limits that nodes share, counted in a real Valkey."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from app.auth.limits import Buckets
from app.auth.sharing import Sharing
from app.bus.valkey import ValkeyBus
from tests.bus.conftest import node, until
from tests.support.engines import Valkey, valkey

RATE, BURST = 20.0, 200.0


@pytest.fixture(scope="module")
def engine() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


@contextlib.asynccontextmanager
async def sharing(url: str) -> AsyncIterator[tuple[Sharing, ValkeyBus]]:
    async with node(url, "limits") as each:
        bus = each.bus
        shared = Sharing(bus.node, bus.evaluate, lambda: (bus.state().nodes, bus.state().up))
        try:
            yield shared, bus
        finally:
            await shared.stop()


def now() -> int:
    return time.monotonic_ns() // 1_000_000


async def spend(shared: Sharing, name: str, until_refused: float) -> int:
    """Take one token after the other for so long (s); how many there were."""
    buckets = Buckets(10, shared.bucket("key"))
    ends, taken = time.monotonic() + until_refused, 0
    while time.monotonic() < ends:
        taken += not buckets.get(name, RATE, BURST).take(1, now())
        await asyncio.sleep(0.001)
    return taken


async def test_nodes_together_take_hardly_more_than_one_may(engine: Valkey) -> None:
    async with (
        sharing(engine.url()) as (a, _),
        sharing(engine.url()) as (b, _),
        sharing(engine.url()) as (c, _),
    ):
        began = time.monotonic()
        taken = sum(await asyncio.gather(*(spend(each, "k", 2.0) for each in (a, b, c))))
        allowed = BURST + RATE * (time.monotonic() - began)
        assert allowed * 0.8 <= taken <= allowed + 3 * BURST / 16 + RATE


async def test_who_comes_to_another_node_finds_what_is_left(engine: Valkey) -> None:
    async with sharing(engine.url()) as (a, _), sharing(engine.url()) as (b, _):
        ours = Buckets(10, a.bucket("key"))
        assert ours.get("left", RATE, BURST).take(BURST, now()) == 0
        theirs = Buckets(10, b.bucket("key")).get("left", RATE, BURST)
        assert theirs.take(BURST / 10, now()) == 0, "a new bucket does not wait"
        await until(lambda: theirs.take(BURST / 10, now()) > 0)


async def test_while_the_bus_is_away_each_node_gives_out_its_share() -> None:
    with valkey() as server:
        async with sharing(server.url()) as (a, bus_a), sharing(server.url()) as (_b, _):
            await until(lambda: bus_a.state().nodes == 2)
            a.start()
            await asyncio.to_thread(server.kill)
            await until(lambda: a.factor == 2)
            bucket = Buckets(10, a.bucket("key")).get("alone", RATE, BURST)
            taken = 0
            while not bucket.take(1, 1000):
                taken += 1
            assert taken == BURST / 2
            await asyncio.to_thread(server.start)
            await until(lambda: a.factor == 1)


async def test_sockets_of_all_nodes_count(engine: Valkey) -> None:
    async with sharing(engine.url()) as (a, _), sharing(engine.url()) as (b, _):
        mine, theirs = {"k1": 7, "few": 1}, {"k1": 5}
        a.count("key", 100, mine.items)
        b.count("key", 100, theirs.items)
        a.count("address", 0, mine.items)
        a.start()
        b.start()
        mine["k1"] = 8
        theirs["k1"] = 9
        await until(lambda: a.others("key", "k1") == 9 and b.others("key", "k1") == 8)
        assert a.others("key", "few") == 0
        theirs["k1"] = 0
        await until(lambda: a.others("key", "k1") == 0)
