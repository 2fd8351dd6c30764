"""The bus on a cluster of two: every session's channel at the node that has its slot, also when that moves."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.bus.conftest import Node, node, until
from tests.support.engines import Valkey
from tests.support.server import free_port, wait_until

_SLOTS = 16_384


@pytest.fixture
def cluster() -> Iterator[list[Valkey]]:
    """Two nodes, each with half of the slots."""
    with contextlib.ExitStack() as stack:
        nodes = []
        for _ in range(2):
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            nodes.append(stack.enter_context(contextlib.closing(Valkey(*options))))
            nodes[-1].start()
        first, second = (stack.enter_context(redis.Redis("127.0.0.1", each.port)) for each in nodes)
        first.execute_command("CLUSTER ADDSLOTSRANGE", 0, _SLOTS // 2 - 1)
        second.execute_command("CLUSTER ADDSLOTSRANGE", _SLOTS // 2, _SLOTS - 1)
        second.execute_command("CLUSTER SET-CONFIG-EPOCH", 2)
        bus_port = nodes[1]._options[-1]
        first.execute_command("CLUSTER MEET", "127.0.0.1", nodes[1].port, bus_port)
        wait_until(lambda: _ready(first) and _ready(second), what="the cluster")
        yield nodes


def _ready(client: Any) -> bool:
    return "ok" in str(client.execute_command("CLUSTER INFO")).partition("cluster_state")[2][:8]


async def _listen(to: Node, count: int) -> list[str]:
    """It listens to so many sessions; their names."""
    names = [f"s{n}" for n in range(count)]
    for name in names:
        to.bus.listen("p", name)
    await until(lambda: len(to.listening) == count)
    return names


async def test_notices_find_the_node_of_their_session(cluster: list[Valkey]) -> None:
    async with node(cluster[0].url()) as a, node(cluster[1].url()) as b:
        names = await _listen(b, 100)
        for name in names:
            a.news(name)
        await until(lambda: len(b.heard) == 100)
        script = "return redis.call('INCR', KEYS[1])"
        counts = [a.bus.evaluate(script, f"count{n}") for n in range(20)]
        assert await asyncio.gather(*counts) == [1] * 20
        assert b.bus.state().reconnects == 0


async def test_sessions_are_heard_of_after_their_slots_have_moved(cluster: list[Valkey]) -> None:
    async with node(cluster[0].url()) as a, node(cluster[1].url()) as b:
        names = await _listen(b, 50)
        await asyncio.to_thread(_move_all, cluster)
        await until(lambda: b.returned == 2)

        def all_heard() -> bool:
            return {notice.session for notice in b.heard if notice.version == 2} == set(names)

        async with asyncio.timeout(30):
            while not all_heard():  # until the cluster agrees, a notice may find nobody
                for name in names:
                    a.news(name, 2)
                await asyncio.sleep(0.2)


def _move_all(nodes: list[Valkey]) -> None:
    """Give all slots of the first node to the second."""
    with redis.Redis("127.0.0.1", nodes[0].port) as first, redis.Redis("127.0.0.1", nodes[1].port) as second:
        name = second.execute_command("CLUSTER MYID").decode()
        for client in (second, first):
            pipeline = client.pipeline(transaction=False)
            for slot in range(_SLOTS // 2):
                pipeline.execute_command("CLUSTER SETSLOT", slot, "NODE", name)
            pipeline.execute(
                raise_on_error=False
            )  # who has no slots left may have become a replica by itself
