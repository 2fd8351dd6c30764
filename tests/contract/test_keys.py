"""Keys: who may do what, and how a key and a token travel."""

import httpx2
import pytest

from tests.support.server import ServerProcess, fresh

CLICK = {"type": "click"}


@pytest.mark.parametrize("kind", ["sk", "pk"])
@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_a_key_is_sent_as_x_api_key_or_as_a_bearer_token(
    server: ServerProcess, kind: str, header: str
) -> None:
    key = server.sk if kind == "sk" else server.pk
    headers = {header: key if header == "x-api-key" else f"Bearer {key}"}
    assert httpx2.post(server.url(fresh()), json=CLICK, headers=headers).status_code == 200


async def test_on_a_websocket_a_bearer_token_in_the_handshake_is_a_key_too(server: ServerProcess) -> None:
    async with server.socket(fresh(), key="", headers={"authorization": f"Bearer {server.sk}"}) as socket:
        await socket.send(CLICK)
        assert (await socket.until("ack"))["accepted"] == 1


async def test_or_in_the_hello_frame(server: ServerProcess) -> None:
    async with server.socket(fresh(), key="") as socket:
        assert await socket.hello(key=server.sk)


@pytest.mark.parametrize("name", ["key", "api_key", "x-api-key", "token", "access_token"])
def test_never_in_a_url(server: ServerProcess, name: str) -> None:
    answer = httpx2.get(f"{server.base}/v1/sessions?{name}={server.sk}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_publishable_key_sends_events_and_reads_the_mood_of_its_own_session_nothing_else(
    server: ServerProcess,
) -> None:
    session = fresh()
    token = {"x-session-token": server.post(session, CLICK, key=server.pk).json()["token"]}
    assert server.get(f"/v1/sessions/{session}/mood", key=server.pk, **token).status_code == 200
    for path in ("/v1/sessions", f"/v1/sessions/{session}", f"/v1/sessions/{session}/timeline", "/v1/keys"):
        assert server.get(path, key=server.pk, **token).status_code == 403
    for method, path in (("DELETE", ""), ("POST", "/token")):
        answer = httpx2.request(
            method, f"{server.base}/v1/sessions/{session}{path}", headers={"x-api-key": server.pk, **token}
        )
        assert answer.status_code == 403


def test_a_publishable_key_without_the_token_gets_403_on_a_session_that_exists(
    server: ServerProcess,
) -> None:
    session = fresh()
    server.post(session, CLICK)
    refused = server.post(session, CLICK, key=server.pk)
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_token")
    assert server.get(f"/v1/sessions/{session}/mood", key=server.pk).status_code == 403


async def test_the_token_of_the_first_contact_is_good_at_every_door(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session, key="") as socket:
        token = (await socket.hello(key=server.pk))["token"]
        await socket.send(CLICK)
        await socket.until("ack")
    assert server.post(session, CLICK, key=server.pk, **{"x-session-token": token}).status_code == 200
    beacon = {"key": server.pk, "token": token, "producer": "p", "seq": 1, "events": [CLICK]}
    assert httpx2.post(server.url(session), json=beacon).status_code == 200
    async with server.socket(session, key="", headers={"x-session-token": token}) as socket:
        assert (await socket.hello(key=server.pk))["mood"]["event_count"] == 3


def test_over_quota_is_429_with_retry_after_and_ratelimit(server: ServerProcess) -> None:
    made = httpx2.post(
        f"{server.base}/v1/keys",
        json={"kind": "pk", "monthly_sessions": 1},
        headers={"x-api-key": server.sk},
    ).json()
    session = fresh()
    token = server.post(session, CLICK, key=made["key"]).json()["token"]
    refused = server.post(fresh(), CLICK, key=made["key"])
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit"].startswith('"monthly_sessions";r=0;t=')
    # sessions already open go on
    assert server.post(session, CLICK, key=made["key"], **{"x-session-token": token}).status_code == 200
