"""WebSocket: frames and close codes that `tests/transport` leaves out."""

import itertools
from typing import Any

import httpx2
import pytest

from tests.support.server import ServerProcess, fresh, running

CLICK = {"type": "click"}


async def test_welcome_has_these_fields(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session, key="") as socket:
        welcome = await socket.hello(key=server.pk)
    assert list(welcome) == ["op", "session", "token", "ack", "mood", "ping", "limits", "now"]
    assert (welcome["session"], welcome["ack"], welcome["mood"]) == (session, 0, None)
    assert (repr(welcome["ping"]), welcome["limits"]["events"], welcome["limits"]["bytes"]) == (
        "25",
        500,
        262_144,
    )
    assert isinstance(welcome["now"], int)


async def test_every_field_of_hello_is_optional_and_may_be_null(server: ServerProcess) -> None:
    nothing = dict.fromkeys(("token", "producer", "now", "have", "reports"))
    async with server.socket(fresh(), key="") as socket:
        assert await socket.hello(key=server.sk, **nothing)


@pytest.mark.parametrize("first", [{"op": "ping"}, {"op": "events", "seq": 1, "events": []}])
async def test_hello_must_come_first(server: ServerProcess, first: dict[str, Any]) -> None:
    async with server.socket(fresh(), key="") as socket:
        await socket.send(first)
        code, frames = await socket.closed()
    assert (code, frames[-1]["op"], frames[-1]["code"]) == (4003, "error", "no_hello")


async def test_with_a_key_in_the_handshake_hello_is_optional(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.send({"op": "events", "seq": 1, "events": [CLICK, {"type": "hologram"}]})
        ack = await socket.until("ack")
    assert ack == {
        "op": "ack",
        "seq": 2,
        "accepted": 1,
        "duplicates": 0,
        "ignored": 1,
        "ignored_types": ["hologram"],
    }


async def test_the_mood_is_pushed_when_it_changes_and_not_otherwise(server: ServerProcess) -> None:
    async with server.socket(fresh(), key="") as socket:
        await socket.hello(key=server.sk, producer="p")
        frames = []
        # no help: it is pushed too, with the mood that was there, and comes before the end where commits are slow
        events = [{"type": "help", "kind": "dismissed"}]
        events += [{"type": kind} for kind in ("click", "click", "click", *["rage_click"] * 4)]
        for seq, event in enumerate(events, 1):
            await socket.send({"op": "events", "seq": seq, "events": [event]})
            while (frame := await socket.receive())["op"] != "ack":
                frames.append(frame)
    assert [frame["op"] for frame in frames] == ["mood"] * len(frames)
    moods = [frame["mood"] for frame in frames]
    assert moods[-1] == "frustrated"
    assert all(one != other for one, other in itertools.pairwise(moods))


async def test_help_comes_with_a_mood(server: ServerProcess) -> None:
    """The server of these tests offers help half a second after a session's start; one session in ten is held
    out, and says so."""
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 1, "events": [{"type": "rage_click"}] * 5})
        while "help" not in (frame := await socket.until("mood")):
            pass
    assert set(frame["help"]) == {"id", "holdout"}
    assert frame["mood"] == "frustrated"


async def test_acks_are_cumulative(server: ServerProcess) -> None:
    async with server.socket(fresh()) as socket:
        await socket.hello(producer="p")
        for seq in range(1, 21):
            await socket.send({"op": "events", "seq": seq, "events": [CLICK]})
        accepted = last = 0
        while last < 20:
            ack = await socket.until("ack")
            assert ack["seq"] > last
            last, accepted = ack["seq"], accepted + ack["accepted"]
    assert accepted == 20


async def test_lost_is_declared_and_counted_from(server: ServerProcess) -> None:
    session = fresh()
    async with server.socket(session) as socket:
        await socket.hello(producer="p")
        await socket.send({"op": "events", "seq": 11, "events": [CLICK], "lost": 10})
        assert (await socket.until("ack"))["seq"] == 11
        assert (await socket.hello(producer="p"))["ack"] == 11
    assert server.get(f"/v1/sessions/{session}/mood").json()["event_count"] == 1


async def test_have_spares_a_client_what_is_older(server: ServerProcess) -> None:
    session = fresh()
    reading = server.post(session, [CLICK] * 3).json()["mood"]
    async with server.socket(session) as socket:
        same = await socket.hello(have=[reading["event_count"], reading["as_of"]])
        assert same["mood"]["event_count"] == 3
        assert (await socket.hello(have=[99, reading["as_of"]]))["mood"] is None


async def test_a_newer_connection_takes_over(server: ServerProcess) -> None:
    """4202: of the same page load. Another page load of the session stays."""
    session = fresh()
    async with server.socket(session) as old, server.socket(session) as other:
        await old.hello(producer="p")
        await other.hello(producer="q")
        await old.send({"op": "events", "seq": 1, "events": [CLICK]})
        await old.until("ack")
        async with server.socket(session) as new:
            assert (await new.hello(producer="p"))["ack"] == 1
            code, frames = await old.closed()
            assert (code, frames[-1]["code"]) == (4202, "superseded")
            await new.send({"op": "events", "seq": 2, "events": [CLICK]})
            assert (await new.until("ack"))["seq"] == 2
        await other.send({"op": "ping"})
        assert await other.until("pong")


async def test_an_origin_that_is_not_allowed_closes_with_4002(server: ServerProcess) -> None:
    made = httpx2.post(
        f"{server.base}/v1/keys",
        json={"kind": "pk", "origins": ["https://shop.example"]},
        headers={"x-api-key": server.sk},
    ).json()
    for origin, code in (("https://evil.example", 4002), ("https://shop.example", None)):
        async with server.socket(fresh(), key="", headers={"origin": origin}) as socket:
            await socket.send({"op": "hello", "key": made["key"]})
            if code is None:
                assert await socket.until("welcome")
            else:
                closed, frames = await socket.closed()
                assert (closed, frames[-1]["op"]) == (code, "error")
    # while such a key is there the demo is off, which other tests look at
    httpx2.delete(f"{server.base}/v1/keys/{made['id']}", headers={"x-api-key": server.sk}).raise_for_status()


async def test_the_server_pings_after_silence_and_goes_on_when_answered(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("silent"), SESSIONMOOD_PING_INTERVAL=0.5) as server:
        async with server.socket(fresh()) as socket:
            assert (await socket.hello())["ping"] == 0.5
            for _ in range(2):
                assert await socket.until("ping")
                await socket.send({"op": "pong"})


async def test_an_error_frame_comes_before_a_refusal_of_key_or_token(server: ServerProcess) -> None:
    session = fresh()
    server.post(session, CLICK)
    for hello, expected in (({"key": "sk_nobody"}, 4001), ({"key": server.pk}, 4010)):
        async with server.socket(session, key="") as socket:
            await socket.send({"op": "hello", **hello})
            code, frames = await socket.closed()
        assert code == expected
        assert [frame["op"] for frame in frames] == ["error"]
        assert frames[0]["code"]
        assert frames[0]["detail"]
