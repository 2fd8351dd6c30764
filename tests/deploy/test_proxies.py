"""Through nginx and through Caddy, with the files of deploy/: sockets, REST, the visitor's address, a node that goes."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import websockets

from tests.deploy.proxies import proxy
from tests.support.server import PATIENCE, ServerProcess, Socket, fresh, running, wait_until

CLICK = {"type": "click"}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"SESSIONMOOD_NEW_SESSIONS_PER_SECOND": 1, "SESSIONMOOD_LONGEST_HOLD": 0}
    with running(tmp_path_factory.mktemp("node"), **settings) as process:
        yield process


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def port(
    request: pytest.FixtureRequest, node: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    with proxy(request.param, tmp_path_factory.mktemp(request.param), [node.port]) as port:
        yield port


async def test_a_socket_goes_through(node: ServerProcess, port: int) -> None:
    address = f"ws://127.0.0.1:{port}/v1/sessions/{fresh()}/ws"
    async with websockets.connect(
        address, additional_headers={"x-api-key": node.sk}, open_timeout=PATIENCE
    ) as raw:
        socket = Socket(raw)
        await socket.hello(producer="p1")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK, {"type": "rage_click"}]})
        assert (await socket.until("ack"))["seq"] == 2


def test_rest_scripts_and_refusals_go_through(node: ServerProcess, port: int) -> None:
    base, session = f"http://127.0.0.1:{port}", fresh()
    sent = httpx2.post(f"{base}/v1/sessions/{session}/events", json=[CLICK], headers={"x-api-key": node.sk})
    assert sent.json()["accepted"] == 1
    read = httpx2.get(f"{base}/v1/sessions/{session}/mood", headers={"x-api-key": node.sk})
    assert read.json()["event_count"] == 1
    assert httpx2.get(f"{base}/sessionmood.js").status_code == 200
    refused = httpx2.get(f"{base}/v1/sessions/{session}/mood", headers={"x-api-key": "sk_wrong"})
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_visitor_cannot_choose_the_address_that_limits_count(node: ServerProcess, port: int) -> None:
    """Ten seconds' worth of new sessions from one address, each of which claims another."""
    answers = []
    for number in range(14):
        claimed = {"x-api-key": node.pk, "x-forwarded-for": f"203.0.113.{number}"}
        url = f"http://127.0.0.1:{port}/v1/sessions/{fresh()}/events"
        answers.append(httpx2.post(url, json=[CLICK], headers=claimed).status_code)
    assert 429 in answers, answers


@pytest.mark.parametrize("name", ["nginx", "caddy"])
async def test_a_node_that_stops_is_left_without_an_error(name: str, tmp_path: Path) -> None:
    """The proxy has a second node; who sends through it meanwhile is never refused."""
    folders = [tmp_path / "first", tmp_path / "second", tmp_path / "proxy"]
    for folder in folders:
        folder.mkdir()
    with (
        running(folders[0]) as first,
        running(folders[1]) as second,
        proxy(name, folders[2], [first.port, second.port]) as port,
    ):
        assert first.process is not None
        first.process.terminate()
        codes: list[int] = []

        def gone(node: ServerProcess = first) -> bool:
            codes.append(_status(port))
            return node.process is not None and node.process.poll() is not None

        wait_until(gone, 40, "the node's end")
        codes += [_status(port) for _ in range(20)]
        assert set(codes) == {200}, codes


def _status(port: int) -> int:
    return httpx2.get(f"http://127.0.0.1:{port}/demo", timeout=PATIENCE).status_code
