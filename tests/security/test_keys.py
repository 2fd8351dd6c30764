"""Keys over the wire: made, listed, revoked; origins, quotas, tokens."""

import asyncio
import threading
import time
from typing import Any

import httpx2
import msgspec
import pytest

from tests.security.conftest import Keys
from tests.support.keys import make
from tests.support.server import ServerProcess, fresh, wait_until

CLICK = {"type": "click"}


def revoke(server: ServerProcess, key_id: str, sk: str | None = None) -> int:
    headers = {"x-api-key": sk or server.sk}
    return httpx2.delete(f"{server.base}/v1/keys/{key_id}", headers=headers).status_code


def test_a_key_is_shown_once_and_listed_without_itself(secured: ServerProcess) -> None:
    made = make(secured, kind="pk", name="shop", origins=["https://Shop.Example/"], monthly_sessions=5,
                events_per_second=2.5)  # fmt: skip
    assert made["key"].startswith("pk_")
    answer = secured.get("/v1/keys")
    [listed] = [key for key in answer.json()["keys"] if key["id"] == made["id"]]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert listed["origins"] == ["https://shop.example"]
    assert made["key"][3:] not in answer.text
    assert secured.get("/v1/keys", key=made["key"]).status_code == 403
    assert revoke(secured, made["id"], made["key"]) == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"kind": "xk"}', 422),
        (b'{"kind": "pk", "origins": ["shop.example"]}', 422),
        (b'{"kind": "pk", "origins": "https://shop.example"}', 422),
        (b'{"kind": "pk", "monthly_sessions": -1}', 422),
        (b'{"kind": "pk", "events_per_second": 0}', 422),
        (b'{"kind": "pk", "project": "other"}', 422),
        (b'{"kind": "pk", "name": "' + b"x" * 201 + b'"}', 422),
        (b"[" * 10_000, 422),
        (b" " * 20_000, 413),
    ],
)
def test_what_is_no_key_request(secured: ServerProcess, body: bytes, status: int) -> None:
    answer = httpx2.post(f"{secured.base}/v1/keys", content=body, headers={"x-api-key": secured.sk})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_revocation_closes_sockets_and_held_requests_and_refuses_what_follows(
    secured: ServerProcess,
) -> None:
    made = make(secured, kind="sk")
    session = fresh()
    answers: list[httpx2.Response] = []
    secured.post(session, CLICK, key=made["key"])
    tag = secured.get(f"/v1/sessions/{session}/mood").headers["etag"]

    def wait() -> None:
        path = f"/v1/sessions/{session}/mood?wait=50"
        answers.append(secured.get(path, key=made["key"], **{"if-none-match": tag}))

    def held_requests() -> bool:
        return "\nsessionmood_held_requests 1.0" in httpx2.get(f"{secured.base}/metrics").text

    held = threading.Thread(target=wait)
    async with secured.socket(session, key=made["key"]) as socket, secured.socket(session) as bystander:
        await socket.hello(producer="p")
        await bystander.hello(producer="q")
        held.start()
        await asyncio.to_thread(wait_until, held_requests, what="the held request")
        assert await asyncio.to_thread(revoke, secured, made["id"]) == 204
        began = time.monotonic()
        code, frames = await socket.closed()
        assert (code, frames[-1]["code"]) == (4005, "revoked")
        await asyncio.to_thread(held.join)
        assert time.monotonic() - began < 5  # a held request would have taken 50 s
        await bystander.send({"op": "ping"})
        await bystander.until("pong")
    assert answers[0].status_code == 401
    assert secured.post(session, CLICK, key=made["key"]).status_code == 401
    assert secured.get("/v1/sessions", key=made["key"]).json()["code"] == "revoked"
    async with secured.socket(session, key=made["key"]) as socket:
        assert (await socket.closed())[0] == 4005
    assert revoke(secured, made["id"]) == 204
    assert revoke(secured, "key_nothing") == 404


async def test_revocation_by_the_command_line_reaches_a_running_server(secured: ServerProcess) -> None:
    from app.storage.sqlite.database import SQLiteStorage

    made = make(secured, kind="sk")
    async with secured.socket(fresh(), key=made["key"]) as socket:
        await socket.hello()
        store = SQLiteStorage(secured.database)
        await store.open()
        await store.revoke_key(made["id"], 1)
        await store.close()
        assert (await socket.closed())[0] == 4005
    assert secured.get("/v1/sessions", key=made["key"]).status_code == 401


async def test_a_key_bound_to_origins(secured: ServerProcess) -> None:
    made = make(secured, kind="pk", origins=["https://shop.example", "https://*.shop.example"])
    pk = made["key"]
    for good in ("https://shop.example", "https://de.shop.example"):
        answer = secured.post(fresh(), CLICK, key=pk, origin=good)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, good)
        assert answer.headers["vary"] == "Origin"
        async with secured.socket(fresh(), key="", headers={"origin": good}) as socket:
            assert await socket.hello(key=pk)
    for bad in ("https://evil.example", "https://shop.example.evil.example", "null"):
        answer = secured.post(fresh(), CLICK, key=pk, origin=bad)
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
        assert "access-control-allow-origin" not in answer.headers
        answer = secured.get(f"/v1/sessions/{fresh()}/mood", key=pk, origin=bad)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        async with secured.socket(fresh(), key="", headers={"origin": bad}) as socket:
            await socket.send({"op": "hello", "key": pk})
            code, frames = await socket.closed()
            assert (code, frames[-1]["code"]) == (4002, "bad_origin")
    assert secured.post(fresh(), CLICK, key=pk).status_code == 403
    beacon = {"key": pk, "producer": "p", "seq": 1, "events": [CLICK]}
    headers = {"content-type": "text/plain", "origin": "https://evil.example"}
    refused = httpx2.post(secured.url(fresh()), content=msgspec.json.encode(beacon), headers=headers)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_where_every_key_is_bound_other_origins_learn_nothing(secured_bound: ServerProcess) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for path in (f"/v1/sessions/{fresh()}/events", "/v1/keys", f"/v1/sessions/{fresh()}"):
        answer = httpx2.options(secured_bound.base + path, headers=asked)
        assert answer.status_code == 204
        assert "access-control-allow-origin" not in answer.headers
        good = httpx2.options(secured_bound.base + path, headers={**asked, "origin": "https://shop.example"})
        assert good.headers["access-control-allow-origin"] == "https://shop.example"
    answer = httpx2.post(secured_bound.url(fresh()), json=CLICK, headers={"origin": "https://evil.example"})
    assert answer.status_code == 401
    assert "access-control-allow-origin" not in answer.headers


@pytest.fixture
def secured_bound(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.support.server import running

    with running(tmp_path_factory.mktemp("bound")) as server:
        make(server, kind="pk", origins=["https://shop.example"])
        for key in server.get("/v1/keys").json()["keys"]:
            if key["name"] == "development" and key["kind"] == "pk":
                revoke(server, key["id"])
        yield server


async def test_a_quota_ends_new_sessions_and_open_ones_go_on(secured: ServerProcess) -> None:
    pk = make(secured, kind="pk", monthly_sessions=2)["key"]
    one, two = fresh(), fresh()
    token = secured.post(one, CLICK, key=pk).json()["token"]
    async with secured.socket(two, key="") as socket:
        await socket.hello(key=pk)
        await socket.send(CLICK)
        await socket.until("ack")
        refused = secured.post(fresh(), CLICK, key=pk)
        assert (refused.status_code, refused.json()["code"]) == (429, "over_quota")
        assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
        async with secured.socket(fresh(), key="") as late:
            await late.send({"op": "hello", "key": pk})
            code, frames = await late.closed()
            assert (code, frames[-1]["code"]) == (4129, "over_quota")
            assert frames[-1]["retry_ms"] > 0
        await socket.send(CLICK)
        await socket.until("ack")
    assert secured.post(one, CLICK, key=pk, **{"x-session-token": token}).status_code == 200


async def test_a_token_minted_to_end_ends_also_on_a_live_socket(secured: ServerProcess) -> None:
    session = fresh()
    secured.post(session, CLICK)

    async def used_until_it_ends(ttl: float) -> str | None:
        """The token; None when it had ended before the hello was heard."""
        url, headers = f"{secured.base}/v1/sessions/{session}/token", {"x-api-key": secured.sk}
        minted: str = httpx2.post(url, json={"ttl": ttl}, headers=headers).json()["token"]
        async with secured.socket(session, key="") as socket:
            await socket.send({"op": "hello", "key": secured.pk, "token": minted})
            code, frames = await socket.closed(60)
            assert (code, frames[-1]["code"]) == (4010, "bad_token")
            if frames[0]["op"] != "welcome":
                return None
            assert frames[0]["token"] == minted  # not exchanged for a longer one
            return minted

    token = await used_until_it_ends(2) or await used_until_it_ends(30)
    assert token
    answer = secured.post(session, CLICK, key=secured.pk, **{"x-session-token": token})
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_token")
    async with secured.socket(session, key="") as socket:
        await socket.send({"op": "hello", "key": secured.pk, "token": token})
        assert (await socket.closed())[0] == 4010


@pytest.mark.parametrize("body", [b'{"ttl": 0}', b'{"ttl": -1}', b'{"ttl": 1e9}', b'{"ttl": "x"}', b"[]"])
def test_a_token_of_another_lifetime_is_refused(secured: ServerProcess, body: bytes) -> None:
    url = f"{secured.base}/v1/sessions/{fresh()}/token"
    assert httpx2.post(url, content=body, headers={"x-api-key": secured.sk}).status_code == 422


def test_keys_of_another_project_are_out_of_reach(secured: ServerProcess, other: Keys) -> None:
    mine = make(secured, kind="pk", name="mine")
    assert mine["id"] not in secured.get("/v1/keys", key=other.sk).text
    assert revoke(secured, mine["id"], other.sk) == 404
    assert secured.post(fresh(), CLICK, key=mine["key"]).status_code == 200
