"""What compose.yaml names is run: Postgres and Valkey with its options, two nodes with its settings, Caddy."""

import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx2
import pytest
import websockets
import yaml

from tests.deploy.proxies import proxy
from tests.support.engines import Postgres, Valkey, postgres
from tests.support.metrics import metrics
from tests.support.nodes import Node, start_all
from tests.support.server import PATIENCE, ROOT, ServerProcess, Socket, fresh, wait_until

PASSWORD = "not-a-secret"
CLICK = {"type": "click"}


def services() -> dict[str, Any]:
    """As compose reads them, with a password in the environment."""
    text = (ROOT / "compose.yaml").read_text()
    text = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]*\}", PASSWORD, text).replace("${SITE:-:80}", ":80")
    assert "$" not in re.sub(r"#.*", "", text), "a variable that this test does not set"
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[Postgres, Valkey]]:
    program, *options = services()["valkey"]["command"]
    assert program == "valkey-server"
    with postgres() as truth, contextlib.closing(Valkey(*options)) as news:
        news.start()
        said = services()["postgres"]["environment"]
        # as the image does it, but for rights: a user of its own, who is not the superuser
        truth.execute(
            f"CREATE ROLE {said['POSTGRES_USER']} LOGIN PASSWORD '{said['POSTGRES_PASSWORD']}'",
            f"CREATE DATABASE {said['POSTGRES_DB']} OWNER {said['POSTGRES_USER']}",
        )
        yield truth, news


@pytest.fixture(scope="module")
def nodes(engines: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    folder = tmp_path_factory.mktemp("compose")
    with contextlib.ExitStack() as stack:
        found = []
        for name in ("node-1", "node-2"):
            said = services()[name]["environment"] | {"SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1"}
            database = said.pop("DATABASE_URL").replace("@postgres:5432/", f"@127.0.0.1:{engines[0].port}/")
            redis = said.pop("REDIS_URL").replace("//valkey:6379/", f"//127.0.0.1:{engines[1].port}/")
            said.pop("SESSIONMOOD_LOG_FORMAT")  # the tests read what a start prints
            found.append(
                stack.enter_context(contextlib.closing(Node(folder / name, database, redis, **said)))
            )
        start_all(found)
        yield found


@pytest.fixture(scope="module")
def port(nodes: list[Node], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    said = services()["proxy"]
    assert said["environment"]["NODES"].split() == ["node-1:8000", "node-2:8000"]
    assert "./deploy/Caddyfile:/etc/caddy/Caddyfile:ro" in said["volumes"]
    with proxy("caddy", tmp_path_factory.mktemp("caddy"), [node.port for node in nodes]) as port:
        yield port


def test_postgres_is_asked_as_compose_asks(engines: tuple[Postgres, Valkey]) -> None:
    how, *command = services()["postgres"]["healthcheck"]["test"]
    assert how == "CMD"
    program = engines[0]._programs / command[0]
    here = ["-h", "127.0.0.1", "-p", str(engines[0].port)]
    asked = subprocess.run(
        [program, *command[1:], *here], capture_output=True, env={"PATH": os.environ["PATH"]}
    )
    assert asked.returncode == 0, asked.stderr


async def test_a_session_is_one_whatever_node_it_comes_to(nodes: list[Node], port: int) -> None:
    session, key = fresh(), nodes[0].sk
    address = f"ws://127.0.0.1:{port}/v1/sessions/{session}/ws"
    async with websockets.connect(
        address, additional_headers={"x-api-key": key}, open_timeout=PATIENCE
    ) as raw:
        socket = Socket(raw)
        await socket.hello(producer="p1")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK, CLICK]})
        assert (await socket.until("ack"))["seq"] == 2
        for node in nodes:
            sent = node.post(session, [{"type": "rage_click"}] * 2, key=key)
            assert sent.json()["accepted"] == 2
        # what came by other doors, at whichever node, reaches the page
        while (await socket.until("mood"))["mood"] != "frustrated":
            pass
    read = httpx2.get(f"http://127.0.0.1:{port}/v1/sessions/{session}/mood", headers={"x-api-key": key})
    assert read.json()["event_count"] == 6


def test_nodes_restarted_one_after_the_other_cost_no_request(nodes: list[Node], port: int) -> None:
    """As `docker compose restart node-1`, and node-2 when the proxy has found the first again."""
    session, key = fresh(), nodes[0].sk
    answers: list[int] = []
    over = threading.Event()

    def send() -> None:
        url = f"http://127.0.0.1:{port}/v1/sessions/{session}/events"
        with httpx2.Client(headers={"x-api-key": key}) as client:
            for seq in range(1, 100_000):
                if over.is_set():
                    return
                batch = {"producer": "p", "seq": seq, "events": [CLICK]}
                answers.append(client.post(url, json=batch).status_code)
                time.sleep(0.02)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for node in nodes:
            assert node.stop() == 0
            node.start()
            wait_until(partial(_accepted, node), 30, "its share of requests")
    finally:
        over.set()
        sender.join()
    assert set(answers) == {200}, [code for code in answers if code != 200]
    read = httpx2.get(f"http://127.0.0.1:{port}/v1/sessions/{session}/mood", headers={"x-api-key": key})
    assert json.loads(read.content)["event_count"] == len(answers)


def _accepted(node: ServerProcess) -> float:
    return metrics(node).get("sessionmood_events_total{outcome=accepted}", 0)
