"""Two nodes on one Postgres and one Valkey: what one does, the other's clients see."""

import asyncio
import re
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx2
import pytest

from tests.support.engines import Postgres, Valkey
from tests.support.metrics import metrics
from tests.support.nodes import Node, nodes
from tests.support.server import Socket, fresh, wait_until

pytestmark = pytest.mark.slow

_TROUBLE: list[dict[str, Any]] = [
    {"type": "rage_click", "target": "#pay"},
    {"type": "dead_click", "target": "#pay"},
    {"type": "error", "kind": "js"},
    {"type": "error", "kind": "request", "value": 500},
]
_CALM = [{"type": "page_view", "url": "/x"}]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, valkey: Valkey
) -> Iterator[tuple[Node, Node]]:
    with nodes(tmp_path_factory.mktemp("nodes"), 2, postgres, valkey) as (a, b):
        yield a, b


def _bus_is(node: Node, up: int) -> bool:
    return metrics(node)["sessionmood_bus_up"] == up


async def _arrive(socket: Socket) -> None:
    """A visitor opens a page, and it is stored."""
    await socket.hello(producer="p")
    await socket.send({"op": "events", "seq": 1, "events": _CALM})
    await socket.until("ack", seq=1)


def test_nodes_that_start_together_make_one_pair_of_keys(pair: tuple[Node, Node]) -> None:
    printed = [found for node in pair for found in re.findall(r"[sp]k_[\w-]+", node.output())]
    assert len(printed) == 2
    for node in pair:
        assert node.get("/v1/sessions").status_code == 200
        wait_until(lambda node=node: metrics(node)["sessionmood_bus_nodes"] == 2)  # type: ignore[misc]


async def test_a_mood_change_reaches_who_listens_on_the_other_node(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    async with a.socket(session) as socket:
        await _arrive(socket)
        answer = await asyncio.to_thread(b.post, session, _TROUBLE)
        assert answer.json()["mood"]["event_count"] == 5
        pushed = await socket.until("mood", mood="frustrated")
        assert pushed["event_count"] == 5
        await socket.send({"op": "events", "seq": 2, "events": _CALM})
        await socket.until("ack", seq=2)
    for node in pair:
        reading = (await asyncio.to_thread(node.get, f"/v1/sessions/{session}/mood")).json()
        assert reading["event_count"] == 6


async def test_who_said_hello_hears_of_a_session_that_another_node_opened(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    async with a.socket(session, a.pk) as socket:
        token = (await socket.hello(producer="p"))["token"]
        answer = await asyncio.to_thread(b.post, session, _TROUBLE, b.pk, **{"x-session-token": token})
        assert answer.status_code == 200
        await socket.until("mood", mood="frustrated")
        await socket.send({"op": "events", "seq": 1, "events": _CALM})
        await socket.until("ack", seq=1)


async def test_a_long_poll_on_one_node_ends_with_the_mood_of_the_other(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    assert (await asyncio.to_thread(a.post, session, _CALM)).status_code == 200
    wait = asyncio.create_task(asyncio.to_thread(a.get, f"/v1/sessions/{session}/mood?wait=25"))
    await asyncio.to_thread(wait_until, lambda: metrics(a)["sessionmood_bus_listening"] >= 1)
    began = time.monotonic()
    await asyncio.to_thread(b.post, session, _TROUBLE)
    assert (await wait).json()["mood"] == "frustrated"
    assert time.monotonic() - began < 20


async def test_what_is_erased_on_one_node_is_gone_on_all(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    async with a.socket(session) as socket:
        await socket.send({"type": "click"})
        await socket.until("ack")
        headers = {"x-api-key": b.sk}
        answer = await asyncio.to_thread(httpx2.delete, f"{b.base}/v1/sessions/{session}", headers=headers)
        assert answer.status_code == 204
        code, frames = await socket.closed()
        assert (code, frames[-1]["code"]) == (4005, "revoked")
    assert (await asyncio.to_thread(a.get, f"/v1/sessions/{session}/mood")).status_code == 404


async def test_who_opened_a_session_anew_after_an_erasure_keeps_it(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    assert (await asyncio.to_thread(a.post, session, _CALM)).status_code == 200
    headers = {"x-api-key": b.sk}
    await asyncio.to_thread(httpx2.delete, f"{b.base}/v1/sessions/{session}", headers=headers)
    answer = await asyncio.to_thread(a.post, session, _CALM)
    if answer.status_code != 200:  # it was being forgotten just then
        answer = await asyncio.to_thread(a.post, session, _CALM)
    assert answer.json()["mood"]["event_count"] == 1
    for node in pair:
        reading = await asyncio.to_thread(node.get, f"/v1/sessions/{session}/mood")
        assert reading.json()["event_count"] == 1


async def test_a_token_minted_on_one_node_sends_the_others_away_on_all(pair: tuple[Node, Node]) -> None:
    a, b = pair
    session = fresh()
    async with a.socket(session, a.pk) as socket:
        await _arrive(socket)
        path, headers = f"{b.base}/v1/sessions/{session}/token", {"x-api-key": b.sk}
        token = (await asyncio.to_thread(httpx2.post, path, headers=headers)).json()["token"]
        code, _ = await socket.closed()
        assert code == 4010
    answer = await asyncio.to_thread(a.post, session, _CALM, a.pk, **{"x-session-token": token})
    assert answer.status_code == 200


async def test_a_key_revoked_on_one_node_ends_its_sockets_on_the_other(pair: tuple[Node, Node]) -> None:
    a, b = pair
    headers = {"x-api-key": b.sk}
    made = (
        await asyncio.to_thread(httpx2.post, f"{b.base}/v1/keys", json={"kind": "sk"}, headers=headers)
    ).json()
    await asyncio.to_thread(wait_until, lambda: a.get("/v1/sessions", made["key"]).status_code == 200)
    async with a.socket(fresh(), made["key"]) as socket:
        await socket.hello()
        await asyncio.to_thread(httpx2.delete, f"{b.base}/v1/keys/{made['id']}", headers=headers)
        code, _ = await socket.closed()
        assert code == 4005


async def test_while_the_bus_is_away_readings_say_so_and_news_come_all_the_same(
    pair: tuple[Node, Node], valkey: Valkey
) -> None:
    a, b = pair
    session = fresh()
    async with a.socket(session) as socket:
        await _arrive(socket)
        await asyncio.to_thread(valkey.kill)
        try:
            for node in pair:
                await asyncio.to_thread(wait_until, partial(_bus_is, node, 0))
            answer = await asyncio.to_thread(b.post, session, _TROUBLE)
            assert answer.status_code == 200
            assert (await socket.until("mood", mood="frustrated"))["event_count"] == 5
            reading = (await asyncio.to_thread(a.get, f"/v1/sessions/{session}/mood")).json()
            assert abs(reading["stale_since"] - time.time() * 1000) < 60_000
            assert "bus: away for" in httpx2.get(f"{a.base}/readyz").text
        finally:
            valkey.start()  # not in a thread: it would end with it
        for node in pair:
            await asyncio.to_thread(wait_until, partial(_bus_is, node, 1))
        reading = (await asyncio.to_thread(a.get, f"/v1/sessions/{session}/mood")).json()
        assert "stale_since" not in reading
