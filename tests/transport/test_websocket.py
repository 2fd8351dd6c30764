"""The WebSocket door, as dialogues with a real server."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets

from app.sessions.producers import MAX_PRODUCERS
from tests.support.server import ServerProcess, fresh, running

CLICK = {"type": "click"}


async def test_a_client_without_any_sdk_gets_readings_pushed(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send('{"type": "click"}')
        first = await socket.until("mood")
        assert first["event_count"] == 1
        assert abs(sum(first["scores"].values()) - 1) < 1e-9
        ack = await socket.until("ack")
        assert (ack["accepted"], ack["duplicates"], ack["ignored"]) == (1, 0, 0)
        await socket.send('{"type": "click"}')
        assert (await socket.until("mood"))["event_count"] == 2


async def test_three_rage_clicks_and_two_errors_push_frustrated_in_the_same_round_trip(
    server: ServerProcess,
) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        events = [{"type": kind} for kind in ("rage_click", "error", "rage_click", "error", "rage_click")]
        await socket.send({"op": "events", "seq": 1, "events": events})
        reading = await socket.until("mood")
        assert list(reading)[1:6] == ["mood", "confidence", "suggested_action", "signals", "event_count"]
        assert (reading["mood"], reading["suggested_action"], reading["event_count"]) == (
            "frustrated",
            "offer_help",
            5,
        )
        assert sum(part["points"] for part in reading["because"]) > 0
        assert await socket.until("ack", seq=5)


async def test_after_silence_a_change_arrives_by_itself(tmp_path: Path) -> None:
    hurried = tmp_path / "model.json"
    hurried.write_text('{"idle.from": 1, "idle.full": 3, "half_life.friction": 1, "half_life.engaged": 1}')
    with running(tmp_path, SESSIONMOOD_MODEL=hurried) as server:
        async with server.socket(fresh()) as socket:
            await socket.hello(producer="p")
            await socket.send({"op": "events", "seq": 1, "events": [{"type": "rage_click"}] * 4})
            angry = await socket.until("mood", mood="frustrated")
            later = angry
            while later["mood"] == "frustrated":
                later = await socket.until("mood", seconds=60)
            assert later["event_count"] == angry["event_count"]
            assert later["as_of"] > angry["as_of"]
            assert later["previous"] == "frustrated"


async def test_hello_says_what_is_known_and_where_to_resume(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session, key="") as socket:
        welcome = await socket.hello(key=server.pk, producer="p", now=1)
        assert (welcome["session"], welcome["ack"], welcome["mood"]) == (session, 0, None)
        assert set(welcome["limits"]) == {"events", "bytes", "inflight"}
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 3})
        assert (await socket.until("ack"))["seq"] == 3
    async with server.socket(session, key="") as socket:
        again = await socket.hello(key=server.pk, producer="p", token=welcome["token"])
        assert again["ack"] == 3
        assert again["mood"]["event_count"] == 3
        other = await socket.hello(key=server.pk, producer="q", token=welcome["token"])
        assert other["ack"] == 0


async def test_what_was_seen_before_counts_once(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 4})
        await socket.until("ack", seq=4)
        await socket.send({"op": "events", "seq": 3, "events": [CLICK] * 4})
        ack = await socket.until("ack")
        assert (ack["seq"], ack["accepted"], ack["duplicates"]) == (6, 2, 2)
        await socket.send({"op": "events", "seq": 1, "events": [CLICK] * 2})
        ack = await socket.until("ack")
        assert (ack["seq"], ack["accepted"], ack["duplicates"]) == (6, 0, 2)


async def test_who_comes_back_after_hundreds_of_page_loads_counts_once(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as stays, server.socket(session) as goes:
        await stays.hello(producer="stays")
        await stays.send({"op": "events", "seq": 1, "events": [CLICK] * 2})
        await stays.until("ack", seq=2)
        await goes.hello(producer="goes")
        await goes.send({"op": "events", "seq": 1, "events": [CLICK] * 3})
        await goes.until("ack", seq=3)
        async with httpx2.AsyncClient(headers={"x-api-key": server.sk}) as client:
            for index in range(MAX_PRODUCERS + 5):
                other = {"producer": f"p{index}", "seq": 1, "events": [CLICK]}
                answer = await client.post(server.url(session), json=other)
                assert answer.status_code == 200, answer.text
            late = {"producer": "p1", "seq": 1, "events": [CLICK] * 2}
            again = (await client.post(server.url(session), json=late)).json()
            assert (again["accepted"], again["duplicates"], again["ack"]) == (1, 1, 2)
        for seq, duplicates in ((1, 2), (3, 0)):  # its line stood all the time
            await stays.send({"op": "events", "seq": seq, "events": [CLICK] * 2})
            ack = await stays.until("ack")
            assert (ack["duplicates"], ack["accepted"]) == (duplicates, 2 - duplicates)
    async with server.socket(session) as back:
        welcome = await back.hello(producer="goes")
        assert (welcome["ack"], welcome["mood"]["event_count"]) == (3, 5 + MAX_PRODUCERS + 5 + 1 + 2)


async def test_a_gap_is_refused_unless_declared(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 5, "events": [CLICK]})
        nack = await socket.until("nack")
        assert (nack["seq"], nack["code"], nack["expect"]) == (5, "out_of_order", 1)
        assert "retry_ms" in nack
        await socket.send({"op": "events", "seq": 5, "events": [CLICK], "lost": 4})
        assert (await socket.until("ack"))["seq"] == 5


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": "events", "seq": 1, "events": [CLICK, {"type": 1}]}, "bad_event"),
        ({"op": "events", "seq": 1, "events": [{"type": "scroll", "value": 300}]}, "bad_event"),
        ({"op": "events", "seq": 1, "events": [CLICK] * 501}, "too_large"),
        ({"op": "events", "events": [CLICK]}, "bad_event"),
        ({"type": 7}, "bad_event"),
        ({"nothing": "known"}, "bad_event"),
    ],
)
async def test_a_bad_batch_is_refused_whole_and_the_socket_goes_on(
    server: ServerProcess, frame: dict[str, Any], code: str
) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        await socket.send(frame)
        nack = await socket.until("nack")
        assert (nack["code"], nack["seq"]) == (code, frame.get("seq"))
        assert "retry_ms" not in nack
        await socket.send({"op": "events", "seq": 1, "events": [CLICK]})
        assert (await socket.until("ack"))["accepted"] == 1
        assert (await socket.hello(producer="p"))["mood"]["event_count"] == 1


@pytest.mark.parametrize(
    ("frame", "code", "says"),
    [
        ("not json", "bad_request", "not JSON"),
        ("[]", "bad_request", "array"),
        ('"text"', "bad_request", "str"),
        ('{"op": "nonsense"}', "bad_request", "nonsense"),
        ('{"op": "events", "seq": 0, "events": []}', "bad_request", "seq"),
        ('{"op": "events", "seq": 1.5, "events": []}', "bad_body", "seq"),
        ('{"op": "hello", "have": "x"}', "bad_request", "have"),
        ("[" * 100_000, "bad_request", "array"),
        ('{"type":"custom","name":"Great \\ud83d"}', "bad_event", "event 0: `name` holds half a character"),
        ('{"op":"hello","producer":"\\udc00"}', "bad_body", "`producer` holds half a character, \\udc00"),
    ],
)
async def test_what_is_no_frame_is_nacked_and_the_socket_goes_on(
    server: ServerProcess, frame: str, code: str, says: str
) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send(frame)
        nack = await socket.until("nack")
        assert (nack["code"], says in nack["detail"], "retry_ms" in nack) == (code, True, False)
        await socket.send(CLICK)
        assert (await socket.until("ack"))["accepted"] == 1


async def test_half_a_character_costs_its_batch_only(server: ServerProcess) -> None:
    """JSON.stringify writes half an emoji, cut off by a client, as an escape that is no character."""
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        half = '{"op":"events","seq":1,"events":[{"type":"click"},{"type":"custom","name":"Great \\ud83d"}]}'
        await socket.send(half)
        nack = await socket.until("nack")
        assert (nack["seq"], nack["index"], nack["code"]) == (1, 1, "bad_event")
        await socket.send(half.replace("\\ud83d", "\\ud83d\\ude00"))
        assert (await socket.until("ack"))["accepted"] == 2


async def test_whole_numbers_and_the_mark_before_the_text(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send('\ufeff{"op":"hello","producer":"p","have":[0.0,0]}')
        assert (await socket.until("welcome"))["ack"] == 0
        await socket.send('{"op":"events","seq":1.0,"lost":0.0,"events":[{"type":"click"}]}')
        assert (await socket.until("ack"))["seq"] == 1
        await socket.send('\ufeff{"op":"events","seq":2e0,"events":[{"type":"click"}]}')
        assert (await socket.until("ack"))["seq"] == 2


@pytest.mark.parametrize(
    ("frame", "code"), [(b"\x00\x01", 4004), ('{"type": "' + "x" * 300_000 + '"}', 4009)]
)
async def test_what_is_no_text_or_too_much_closes_with_a_reason(
    server: ServerProcess, frame: Any, code: int
) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send(frame)
        closed, frames = await socket.closed()
        assert closed == code
        assert frames[-1]["op"] == "error"
        assert frames[-1]["detail"]


async def test_the_ways_not_to_come_in(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session, key="sk_wrong") as socket:
        assert (await socket.closed())[0] == 4001
    async with server.socket(session, key="") as socket:
        await socket.send({"op": "hello", "key": "pk_wrong"})
        assert (await socket.closed())[0] == 4001
    async with server.socket(session, key="") as socket:
        await socket.send(CLICK)
        assert (await socket.closed())[0] == 4003
    async with server.socket("not%20an%20id") as socket:
        assert (await socket.closed())[0] == 4004
    async with server.socket(session, subprotocols=["graphql-ws"]) as socket:
        assert (await socket.closed())[0] == 4006
    async with server.socket(session) as socket:
        await socket.send(CLICK)
        await socket.until("ack")
    async with server.socket(session, key="") as socket:
        await socket.send({"op": "hello", "key": server.pk})
        assert (await socket.closed())[0] == 4010
    async with server.socket(session, key="") as socket:
        await socket.send({"op": "hello", "key": server.pk, "token": "abc.def.ghi"})
        assert (await socket.closed())[0] == 4010


async def test_no_hello_in_time_is_told_so(server: ServerProcess) -> None:
    async with server.socket(fresh(), key="") as socket:
        code, frames = await socket.closed()
        assert (code, frames[-1]["code"]) == (4003, "no_hello")


async def test_the_subprotocol_is_optional_and_echoed(server: ServerProcess) -> None:
    async with server.socket(fresh(), subprotocols=["sessionmood.v1"]) as socket:
        assert socket.raw.subprotocol == "sessionmood.v1"
    async with server.socket(fresh()) as socket:
        assert socket.raw.subprotocol is None


async def test_ping_is_answered(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send({"op": "ping"})
        assert await socket.until("pong")


async def test_two_sockets_of_one_session_see_the_same_moods(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as one, server.socket(session) as two:
        await one.hello(producer="one")
        await two.hello(producer="two")
        await one.send({"op": "events", "seq": 1, "events": [{"type": "rage_click"}] * 4})
        first, second = await asyncio.gather(one.until("mood"), two.until("mood"))
        assert first == second
        assert first["mood"] == "frustrated"


async def test_unknown_types_are_kept_and_counted_as_ignored(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [{"type": "hologram"}, CLICK]})
        ack = await socket.until("ack")
        assert (ack["seq"], ack["accepted"], ack["ignored"]) == (2, 1, 1)
    events = server.get(f"/v1/sessions/{session}/timeline").json()["events"]
    assert [(event["type"], event["seq"]) for event in events] == [("hologram", 1), ("click", 2)]


async def test_even_an_unknown_type_begins_a_session(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        await socket.send({"type": "hologram"})
        assert (await socket.until("ack"))["ignored"] == 1
    assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 1


async def test_other_addresses_are_told_so(server: ServerProcess) -> None:
    async with websockets.connect(
        f"{server.ws}/v1/elsewhere", additional_headers={"x-api-key": server.sk}
    ) as raw:
        with pytest.raises(websockets.ConnectionClosed):
            while True:
                await raw.recv()
        assert raw.close_code == 4004


async def test_nothing_of_all_this_left_a_traceback(server: ServerProcess) -> None:
    assert "Traceback" not in server.output()
