"""Events: what is taken, when it is said to have happened, and what counts once."""

import time
from typing import Any

import httpx2
import msgspec
import pytest

from app.mood import EVENT_TYPES
from tests.support.server import ServerProcess, fresh

CLICK = {"type": "click"}
MINUTE = 60_000


def now() -> int:
    return time.time_ns() // 1_000_000


def times(server: ServerProcess, session: str) -> list[int]:
    return [event["at"] for event in server.get(f"/v1/sessions/{session}/timeline").json()["events"]]


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_only_type_is_required_of_every_type(server: ServerProcess, kind: str) -> None:
    answer = server.post(fresh(), {"type": kind}).json()
    assert (answer["accepted"], answer["ignored"], answer["mood"]["event_count"]) == (1, 0, 1)


def test_every_field_of_the_table_is_kept(server: ServerProcess) -> None:
    session = fresh()
    events: list[dict[str, Any]] = [
        {"type": "click", "target": "#pay", "x": 120, "y": 340},
        {"type": "response", "value": 180},
        {"type": "scroll", "value": 40, "dy": -300},
        {"type": "page_view", "url": "/cart", "kind": "reload"},
        {"type": "error", "kind": "request", "value": 502},
        {"type": "goal", "name": "bought"},
        {"type": "feedback", "name": "frustrated", "value": 1},
        {"type": "hologram", "value": 7},
    ]
    server.post(session, events)
    kept = server.get(f"/v1/sessions/{session}/timeline").json()["events"]
    for event, sent in zip(kept, events, strict=True):
        assert event.items() >= sent.items()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("scroll", [0, 100], [-1, 101]),
        ("response", [0, 30_000], [-1]),
        ("idle", [0, 3600], [-1]),
        ("hover", [0, 5000], [-1]),
        ("rage_click", [3, 12], [-3, 0]),
        ("error", [0, 404, 599], [-1, 1000]),
        ("feedback", [0, 1], [-1, 0.5, 2]),
        ("custom", [-3.5, 0, 1e9], ["7", True, [1]]),
    ],
)
def test_a_value_out_of_range_refuses_the_batch_with_index_and_reason(
    server: ServerProcess, kind: str, good: list[Any], bad: list[Any]
) -> None:
    session = fresh()
    assert server.post(session, [{"type": kind, "value": value} for value in good]).json()["ignored"] == 0
    for value in bad:
        refused = server.post(session, [CLICK, {"type": kind, "value": value}, CLICK])
        problem = refused.json()
        assert (refused.status_code, problem["index"]) == (422, 1), value
        assert "value" in problem["detail"]
    # nothing of a refused batch is applied
    assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == len(good)


@pytest.mark.parametrize(
    ("field", "most", "more"),
    [("target", 200, 201), ("name", 200, 201), ("kind", 64, 65), ("url", 2048, 2049), ("type", 64, 65)],
)
def test_texts_have_limits(server: ServerProcess, field: str, most: int, more: int) -> None:
    session = fresh()
    assert server.post(session, {**CLICK, field: "x" * most}).status_code == 200
    refused = server.post(session, [CLICK, {**CLICK, field: "x" * more}])
    assert (refused.status_code, refused.json()["index"]) == (422, 1)


def test_limits_are_500_events_and_256_kib_a_batch(server: ServerProcess) -> None:
    session = fresh()
    assert server.post(session, [CLICK] * 500).json()["accepted"] == 500
    assert server.post(session, [CLICK] * 501).status_code == 413
    body = msgspec.json.encode([{**CLICK, "target": "x" * 150}] * 400)
    assert server.post(session, body + b" " * (262_144 - len(body))).json()["accepted"] == 400
    assert server.post(session, body + b" " * (262_145 - len(body))).status_code == 413


@pytest.mark.parametrize("at", [10**15 * 9, 1e300, 4_000_000_000_000, 0, -1, -5_000, -(10**17), 1.5])
def test_at_is_clamped_into_last_event_and_now(server: ServerProcess, at: float) -> None:
    session = fresh()
    began = now()
    server.post(session, CLICK)
    first = times(server, session)[0]
    assert server.post(session, {**CLICK, "at": at}).status_code == 200
    second = times(server, session)[1]
    assert began <= first <= second <= now()


def test_arrival_time_is_used_where_at_is_absent(server: ServerProcess) -> None:
    session = fresh()
    began = now()
    server.post(session, [CLICK, {**CLICK, "at": None}])
    assert all(began <= at <= now() for at in times(server, session))


def test_times_out_of_order_are_moved_up_to_the_last_event(server: ServerProcess) -> None:
    session, then = fresh(), now() - 10_000
    server.post(session, [{**CLICK, "at": then}, {**CLICK, "at": then + 2000}, {**CLICK, "at": then + 1000}])
    assert times(server, session) == [then, then + 2000, then + 2000]


@pytest.mark.parametrize("producer", ["p", None])
@pytest.mark.parametrize("ahead", [5 * MINUTE, -5 * MINUTE, -3_000_000 * MINUTE])
async def test_the_offset_measured_at_hello_maps_the_clients_clock(
    server: ServerProcess, ahead: int, producer: str | None
) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        theirs = now() + ahead
        began = now()
        await socket.hello(producer=producer, now=theirs)
        ended = now()
        events = [{**CLICK, "at": theirs - back} for back in (3000, 1000)]
        await socket.send({"op": "events", "seq": 1, "events": events})
        await socket.until("ack")
    first, second = times(server, session)
    assert second - first == 2000
    assert began <= second + 1000 <= ended  # when the hello came, however long it took


def unanswered(reading: dict[str, Any]) -> bool:
    return "unanswered_clicks" in reading["signals"]


def clicks(last: int, count: int = 8) -> list[dict[str, Any]]:
    """Clicks five seconds apart, the last one at `last`, none answered."""
    return [{**CLICK, "target": f"#b{n}", "at": last - 5000 * (count - n)} for n in range(1, count + 1)]


@pytest.mark.parametrize("reports", [["response"], [], ["dead_click"]])
async def test_only_for_a_client_that_reports_response_does_silence_mean_no_answer(
    server: ServerProcess, reports: list[str]
) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(reports=reports, every=True)  # no producer: what it reports counts all the same
        await socket.send({"op": "events", "events": clicks(now())})
        assert unanswered(await socket.until("mood")) == ("response" in reports)


def test_reports_are_per_producer(server: ServerProcess) -> None:
    session = fresh()
    batch = {"seq": 1, "events": clicks(now())}
    assert not unanswered(server.post(session, {"producer": "plain", **batch}).json()["mood"])
    told = {"producer": "says", "reports": ["response"]}
    assert server.post(session, {**told, "seq": 1, "events": [CLICK]}).status_code == 200
    assert not unanswered(
        server.post(session, {"producer": "plain", "seq": 9, "events": [CLICK]}).json()["mood"]
    )
    other = fresh()
    server.post(other, {**told, "seq": 1, "events": []})
    assert unanswered(server.post(other, {"producer": "says", **batch}).json()["mood"])


async def test_the_same_event_sent_by_websocket_rest_and_beacon_counts_once(server: ServerProcess) -> None:
    session = fresh()
    batch = {"seq": 1, "events": [CLICK, CLICK]}
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", **batch})
        assert (await socket.until("ack"))["accepted"] == 2
        envelope = {"producer": "p", **batch}
        assert server.post(session, envelope).json()["duplicates"] == 2
        beacon = httpx2.post(
            server.url(session),
            content=msgspec.json.encode({"key": server.sk, **envelope}),
            headers={"content-type": "text/plain;charset=UTF-8"},
        )
        assert (beacon.json()["duplicates"], beacon.json()["mood"]["event_count"]) == (2, 2)


async def test_events_without_a_producer_are_always_new(server: ServerProcess) -> None:
    session = fresh()
    for _ in range(2):
        assert server.post(session, {"seq": 1, "events": [CLICK]}).json()["accepted"] == 1
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        for _ in range(2):
            await socket.send(CLICK)  # bare: a batch of one without seq
            ack = await socket.until("ack")
            assert (ack["accepted"], ack["seq"]) == (1, None)
        await socket.send({"op": "events", "seq": 1, "events": [CLICK]})
        assert (await socket.until("ack"))["seq"] == 1
    assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 5


@pytest.mark.parametrize(
    "body", [b"5", b'"click"', b"null", b"true", b'{"events": null}', b'{"events": {}}', b'{"events": [], "seq": 0}',
             b'{"events": [], "producer": 5, "seq": 1}', b'{"events": [], "reports": "response"}']
)  # fmt: skip
def test_what_is_json_but_no_batch_is_unprocessable(server: ServerProcess, body: bytes) -> None:
    assert server.post(fresh(), body).status_code == 422


def test_space_before_a_body_means_nothing(server: ServerProcess) -> None:
    assert server.post(fresh(), b"\r\n\t " * 100 + b'[{"type": "click"}]').json()["accepted"] == 1
