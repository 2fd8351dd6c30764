"""No key and no token in any log: everything is tried at the most talkative level, then the log is searched."""

import asyncio
import contextlib
import re
import uuid

import httpx2
import msgspec
import pytest
import websockets

from tests.security.keys import add_key
from tests.support.server import ServerProcess, running, wait_until

CLICK = {"type": "click"}


async def test_no_key_or_token_in_any_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("talkative")
    with running(folder, SESSIONMOOD_LOG_LEVEL="debug", SESSIONMOOD_LONGEST_HOLD=0) as server:
        printed = server.output()
        started = len(printed)
        secrets = await _try_everything(server)
        said = server.output()[started:]
        assert server.stop() in (0, -15)
        said += server.output()[started + len(said) :]
        assert "debug" in said.lower(), "the level is not what the test means it to be"
        for secret in secrets:
            assert secret not in said
            assert secret[3:] not in said
        assert not re.search(r"[sp]k_[A-Za-z0-9_-]{8}", said)
        assert not re.search(r"eyJ[A-Za-z0-9_-]{8}", said)
        # in the database neither, but for what is signed with
        kept = b"".join(path.read_bytes() for path in folder.iterdir() if "sessionmood.db" in path.name)
        for secret in secrets:
            assert secret.encode() not in kept


async def _try_everything(server: ServerProcess) -> list[str]:
    session = f"l-{uuid.uuid4().hex[:12]}"
    url = server.url(session)
    headers = {"x-api-key": server.sk}
    made = httpx2.post(f"{server.base}/v1/keys", json={"kind": "pk"}, headers=headers).json()
    pk = made["key"]
    extra, _ = await asyncio.to_thread(add_key, server, "sk", "extra")
    secrets: list[str] = [
        server.sk,
        server.pk,
        pk,
        extra,
        "sk_never_made_by_anyone",
        "pk_never_made_by_anyone",
    ]
    token = server.post(session, CLICK, key=pk).json()["token"]
    minted = httpx2.post(f"{server.base}/v1/sessions/{session}/token", headers={"x-api-key": server.sk})
    secrets += [token, minted.json()["token"]]
    for key in secrets[:6]:
        server.post(session, CLICK, key=key)
        server.post(session, CLICK, key=key, **{"x-session-token": token})
        server.post(session, b"{", key=key)
        server.get(f"/v1/sessions/{session}/mood", key=key)
        server.get("/v1/keys", key=key)
        server.get(f"/v1/nothing/{session}", key=key)
        httpx2.post(url, json=CLICK, headers={"authorization": f"Bearer {key}"})
        envelope = {"key": key, "token": token, "producer": "p", "seq": 1, "events": [CLICK]}
        httpx2.post(url, content=msgspec.json.encode(envelope), headers={"content-type": "text/plain"})
        httpx2.post(url, content=msgspec.json.encode({**envelope, "events": 5}))
        hello = {"op": "hello", "key": key, "token": token}
        for handshake_key, frames in (
            (key, [{"op": "hello", "token": token, "producer": 5}, b"nonsense"]),
            ("", [hello, "nonsense", b"nonsense"]),
            ("", [{"op": key, "key": key}]),
        ):
            async with server.socket(session, key=handshake_key) as socket:
                with contextlib.suppress(websockets.ConnectionClosed):  # where it was refused before
                    for frame in frames:
                        await socket.send(frame)
                await socket.closed()
    httpx2.delete(f"{server.base}/v1/keys/{made['id']}", headers={"x-api-key": server.sk})
    server.post(session, CLICK, key=pk)
    return secrets


async def test_lines_carry_session_and_connection(secured: ServerProcess) -> None:
    session = f"l-{uuid.uuid4().hex[:12]}"
    async with secured.socket(session) as socket:
        await socket.send("nonsense")
        await socket.send(b"nonsense")
        await socket.closed()
    secured.post(session, b"{")

    def lines() -> list[dict[str, object]]:
        found = [line for line in secured.output().splitlines() if session in line]
        return [msgspec.json.decode(line, type=dict[str, object]) for line in found]

    wait_until(lambda: any("closed" in str(line["message"]) for line in lines()))
    of_socket = [line for line in lines() if "connection" in line]
    assert len({line["connection"] for line in of_socket}) == 1
    assert {str(line["message"]) for line in of_socket} >= {"a socket opened", "refused: bad_request"}
    assert any(line["logger"] == "sessionmood.rest" for line in lines())
    assert all(line["session"] == session for line in lines())


async def test_nobody_writes_lines_of_their_own_into_the_log(secured: ServerProcess) -> None:
    async with secured.socket("a%0A%7B%22level%22%3A%22forged%22%7D") as socket:
        assert (await socket.closed())[0] == 4004
    httpx2.get(f"{secured.base}/v1/a%0Aforged", headers={"x-api-key": "a"})
    for line in secured.output().splitlines():
        assert not line.startswith(('{"level"', "forged"))
