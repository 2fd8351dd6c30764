"""The REST door, against a real server."""

import threading
import time
from typing import Any

import httpx2
import msgspec
import pytest

from tests.support.server import ServerProcess, fresh

CLICK = {"type": "click"}


def test_the_original_example(server: ServerProcess) -> None:
    session = fresh()
    for kind in ("page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click"):
        assert server.post(session, {"type": kind}).status_code == 200
    reading = server.get(f"/v1/sessions/{session}/mood").json()
    assert list(reading)[:5] == ["mood", "confidence", "suggested_action", "signals", "event_count"]
    assert (reading["mood"], reading["suggested_action"], reading["event_count"]) == (
        "frustrated",
        "offer_help",
        8,
    )
    assert "rage_click" in reading["signals"]
    assert 0.5 < reading["confidence"] <= 1
    assert reading["scores"]["frustrated"] > 0.8


def test_sixty_plain_clicks_stay_calm(server: ServerProcess) -> None:
    session = fresh()
    for _ in range(60):
        answer = server.post(session, CLICK).json()
        assert answer["mood"]["mood"] != "frustrated"


def test_one_an_array_and_an_envelope(server: ServerProcess) -> None:
    session = fresh()
    assert server.post(session, CLICK).json()["accepted"] == 1
    assert server.post(session, [CLICK, CLICK]).json()["accepted"] == 2
    envelope = {"producer": "p", "seq": 1, "events": [CLICK, {"type": "hologram"}], "reports": ["response"]}
    answer = server.post(session, envelope).json()
    assert (answer["accepted"], answer["duplicates"], answer["ignored"], answer["ack"]) == (1, 0, 1, 2)
    answer = server.post(session, envelope).json()
    assert (answer["accepted"], answer["duplicates"], answer["ignored"], answer["ack"]) == (0, 2, 0, 2)
    assert answer["mood"]["event_count"] == 5
    assert "ignored_types" not in answer


async def test_unknown_types_are_named(server: ServerProcess) -> None:
    """A mistyped type is kept and has no effect: whoever sends it must be able to see that."""
    session = fresh()
    answer = server.post(session, [{"type": "clik"}, CLICK, {"type": "hologram"}, {"type": "clik"}]).json()
    assert (answer["accepted"], answer["ignored"], answer["ignored_types"]) == (1, 3, ["clik", "hologram"])
    many = [{"type": f"x{n}"} for n in range(150)]
    assert server.post(session, many).json()["ignored_types"] == [f"x{n}" for n in range(10)]
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [{"type": "clik"}, CLICK]})
        assert (await socket.until("ack", seq=2))["ignored_types"] == ["clik"]
        await socket.send({"op": "events", "seq": 3, "events": [CLICK]})
        assert "ignored_types" not in await socket.until("ack", seq=3)


async def test_the_doors_share_one_numbering(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 3})
        await socket.until("ack", seq=3)
        answer = server.post(session, {"producer": "p", "seq": 2, "events": [CLICK] * 3}).json()
        assert (answer["accepted"], answer["duplicates"], answer["ack"]) == (1, 2, 4)
        assert (await socket.hello(producer="p"))["ack"] == 4


def test_a_beacon_carries_key_and_token_inside(server: ServerProcess) -> None:
    session = fresh()
    url = server.url(session)
    plain = {"content-type": "text/plain;charset=UTF-8"}
    envelope: dict[str, Any] = {"key": server.pk, "producer": "p", "seq": 1, "events": [CLICK]}
    answer = httpx2.post(url, content=msgspec.json.encode(envelope), headers=plain)
    assert answer.status_code == 200
    envelope["seq"] = 2
    assert httpx2.post(url, content=msgspec.json.encode(envelope), headers=plain).status_code == 403
    envelope["token"] = answer.json()["token"]
    assert httpx2.post(url, content=msgspec.json.encode(envelope), headers=plain).json()["ack"] == 2


@pytest.mark.parametrize("first", [True, False])
def test_a_key_inside_makes_no_batch_too_large(server: ServerProcess, first: bool) -> None:
    key = {"key": server.pk}
    events = {"events": [{**CLICK, "target": "#" + "x" * 199}] * 500}
    envelope = key | events if first else events | key
    body = msgspec.json.encode(envelope)
    assert 65_536 < len(body) < 262_144
    for media in ("text/plain;charset=UTF-8", "application/json"):
        answer = httpx2.post(server.url(fresh()), content=body, headers={"content-type": media})
        assert (answer.status_code, answer.json()["accepted"]) == (200, 500)
    large = body[:1] + b" " * (262_145 - len(body)) + body[1:]
    assert httpx2.post(server.url(fresh()), content=large[:1] + large[2:]).status_code == 200
    assert httpx2.post(server.url(fresh()), content=large).status_code == 413


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 400, "JSON"),
        (b"{", 400, "JSON"),
        (b"nonsense", 400, "JSON"),
        (b"5", 422, "event"),
        (b"\xff", 400, "JSON"),
        (b"[" * 10_000, 400, "JSON"),
        (b"{}", 422, "type"),
        (b'{"type": 5}', 422, "event 0"),
        (b'[{"type": "click"}, {"type": "scroll", "value": 1000}]', 422, "event 1"),
        (b'{"producer": "p", "events": []}', 422, "seq"),
        (b'{"producer": "p", "seq": 9, "events": []}', 409, "event 1 is next"),
        (msgspec.json.encode([CLICK] * 501), 413, "500"),
        (b" " * 300_000, 413, "262144"),
    ],
)
def test_bad_bodies_get_a_problem_that_names_what_is_wrong(
    server: ServerProcess, body: bytes, status: int, word: str
) -> None:
    answer = server.post(fresh(), body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:sessionmood:")
    assert word.lower() in problem["detail"].lower()


def test_etag_and_not_modified(server: ServerProcess) -> None:
    session = fresh()
    server.post(session, CLICK)
    path = f"/v1/sessions/{session}/mood"
    answer = server.get(path)
    tag = answer.headers["etag"]
    reading = answer.json()
    assert tag == f'"{reading["event_count"]}.{reading["as_of"]}"'
    assert server.get(path, **{"if-none-match": tag}).status_code == 304
    server.post(session, CLICK)
    assert server.get(path, **{"if-none-match": tag}).status_code == 200


def test_wait_holds_until_the_mood_changes(server: ServerProcess) -> None:
    session = fresh()
    # help would be news too, where the machine is slow and it comes before the end
    server.post(session, [{"type": "help", "kind": "dismissed"}, CLICK])
    path = f"/v1/sessions/{session}/mood"
    tag = server.get(path).headers["etag"]
    began = time.monotonic()
    timer = threading.Timer(0.3, server.post, (session, [{"type": "rage_click"}] * 4))
    timer.start()
    answer = server.get(f"{path}?wait=25", **{"if-none-match": tag})
    timer.join()
    assert answer.json()["mood"] == "frustrated"
    assert time.monotonic() - began < 20
    assert server.get(f"{path}?wait=0.2", **{"if-none-match": answer.headers["etag"]}).status_code == 304
    assert server.get(f"{path}?wait=25", **{"if-none-match": tag}).json()["mood"] == "frustrated"
    assert server.get(f"{path}?wait=soon").status_code == 400


def test_list_one_timeline_erase(server: ServerProcess) -> None:
    session = fresh()
    page = f"/{session}"
    server.post(
        session, [{"type": "page_view", "url": page + "?secret=1"}, {"type": "rage_click", "target": "#buy"}]
    )
    listed = server.get(f"/v1/sessions?page={page}").json()
    assert [row["session"] for row in listed["sessions"]] == [session]
    assert listed["cursor"] is None
    one = server.get(f"/v1/sessions/{session}").json()
    assert (one["session"], one["page"], one["active"], one["mood"]["event_count"]) == (
        session,
        page,
        True,
        2,
    )
    timeline = server.get(f"/v1/sessions/{session}/timeline").json()
    assert [event["type"] for event in timeline["events"]] == ["page_view", "rage_click"]
    assert timeline["changes"][0]["previous"] is None
    assert server.get(f"/v1/sessions/{session}", key=server.pk).status_code == 403
    erased = httpx2.delete(f"{server.base}/v1/sessions/{session}", headers={"x-api-key": server.sk})
    assert erased.status_code == 204
    assert server.get(f"/v1/sessions/{session}/timeline").status_code == 404
    assert server.get(f"/v1/sessions/{session}/mood").status_code == 404
    again = httpx2.delete(f"{server.base}/v1/sessions/{session}", headers={"x-api-key": server.sk})
    assert again.status_code == 404


def test_pages_of_the_list_hold_every_session_once(server: ServerProcess) -> None:
    page = f"/{fresh()}"
    names = {fresh() for _ in range(7)}
    for name in names:
        server.post(name, {"type": "page_view", "url": page})
    seen: list[str] = []
    cursor = ""
    while True:
        listed = server.get(f"/v1/sessions?page={page}&limit=3&cursor={cursor}" if cursor else
                            f"/v1/sessions?page={page}&limit=3").json()  # fmt: skip
        seen += [row["session"] for row in listed["sessions"]]
        cursor = listed["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(names)


def test_a_secret_key_mints_tokens(server: ServerProcess) -> None:
    session = fresh()
    server.post(session, CLICK)
    answer = httpx2.post(f"{server.base}/v1/sessions/{session}/token", headers={"x-api-key": server.sk})
    token = answer.json()["token"]
    assert server.post(session, CLICK, key=server.pk, **{"x-session-token": token}).status_code == 200
    assert server.post(fresh(), CLICK, key=server.pk, **{"x-session-token": token}).status_code == 403


def test_browsers_of_other_origins_may_read_the_answers(server: ServerProcess) -> None:
    origin = {"origin": "https://shop.example"}
    answer = server.post(fresh(), CLICK, **origin)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    asked = httpx2.options(server.url(fresh()), headers={**origin, "access-control-request-method": "POST"})
    assert asked.status_code == 204
    assert "x-session-token" in asked.headers["access-control-allow-headers"]
    refused = server.post(fresh(), b"{", **origin)
    assert refused.headers["access-control-allow-origin"] == "https://shop.example"
