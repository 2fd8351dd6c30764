"""Who sends much at once takes turns; who sends little does not wait for that."""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect

from app.config.settings import Settings
from app.server.frames import AT_ONCE, is_lone
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane
from tests.security import hostile
from tests.support.lines import Line, Target, framed
from tests.support.server import ServerProcess
from tests.support.serving import serving


async def test_each_goes_on_in_its_turn() -> None:
    lane, done = SlowLane(), []
    left = {"a": 3, "b": 1, "c": 2}

    def work(name: str, ends: float) -> bool:
        done.append(name)
        left[name] -= 1
        return left[name] > 0

    for name in left:
        lane.join(partial(work, name))
    while any(left.values()):
        await asyncio.sleep(0)
    assert done == ["a", "b", "c", "a", "c", "a"]


async def test_a_task_waits_for_its_turn_and_may_give_it_up() -> None:
    lane = SlowLane()
    waiting = [asyncio.ensure_future(lane.turn()) for _ in range(3)]
    await asyncio.sleep(0)  # they are in the lane now
    waiting[1].cancel()
    await asyncio.wait(waiting, timeout=20)
    assert [task.cancelled() for task in waiting] == [False, True, False]
    assert waiting[0].done()
    assert waiting[2].done()


async def test_a_busy_loop_leaves_it_a_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of 4 ms: four of its shares in each. Turns of a second: no more than two milliseconds' worth."""
    now = [0.0]
    monkeypatch.setattr("app.transport.slow_lane.time.perf_counter", lambda: now[0])
    lane, done = SlowLane(), []

    def note(n: int, _: float) -> bool:
        done.append(n)
        return False

    for n in range(100):
        lane.join(partial(note, n))
    counts = []
    for seconds in (0.0001, 0.0041, 0.0041, 1.0):
        now[0] += seconds
        before = len(done)
        await asyncio.sleep(0)
        counts.append(len(done) - before)
    assert counts == [1, 5, 5, 8]


async def test_what_fails_is_logged_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    lane, done = SlowLane(), []

    def fails(_: float) -> bool:
        raise ValueError("broken")

    def works(_: float) -> bool:
        done.append(1)
        return len(done) < 3

    with caplog.at_level(logging.ERROR):
        lane.join(fails)
        lane.join(works)
        while len(done) < 3:
            await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["what a client sent could not be taken in"]


async def test_a_flood_waits_and_who_says_little_does_not() -> None:
    """Two thousand frames in one packet, then one frame on another socket: it is heard long before the last."""
    heard: list[str] = []
    count = 2000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["text"])

    async with (
        serving(partial(SocketProtocol, TcpConnections(Settings(), SlowLane())), app) as address,
        connect(address) as flooding,
        connect(address) as quiet,
        asyncio.timeout(60),
    ):
        flooding.transport.write(framed(b"flood") * count)
        await quiet.send("quiet")
        while len(heard) <= count:
            await asyncio.sleep(0.01)
    assert heard.count("flood") == count
    assert heard.index("quiet") < count / 2


def test_what_is_taken_at_once() -> None:
    assert all(is_lone(framed(b"x" * size, opcode)) for size in (0, 1, 125) for opcode in (9, 10))
    assert is_lone(framed(b"x" * 1000))
    assert not is_lone(framed(b"x" * AT_ONCE))
    assert not is_lone(framed(b"", 10) * 2)
    assert not is_lone(framed(b"x" * 126, 9))
    assert not is_lone(framed(b"", 8))
    assert not is_lone(framed(b"x", fin=False))


class CountingLane:
    def __init__(self) -> None:
        self.waited: list[object] = []

    def join(self, work: object) -> None:
        self.waited.append(work)


async def test_a_ping_is_taken_at_once() -> None:
    """In the lane they would hold up what comes behind them."""
    lane = CountingLane()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            pass

    async with (
        serving(partial(SocketProtocol, TcpConnections(Settings(), cast(SlowLane, lane))), app) as address,
        connect(address) as socket,
    ):
        async with asyncio.timeout(30):
            await (await socket.ping(b"x" * 125))
        assert lane.waited == []


async def test_requests_sent_before_an_answer_are_answered_in_order(server: ServerProcess) -> None:
    line = await Line.open(Target(server, server.sk, "few", []))
    await line.say(b"".join(b"GET /none/%d HTTP/1.1\r\nhost: a\r\n\r\n" % n for n in range(12)))
    text = b""
    async with asyncio.timeout(30):
        for n in range(12):
            while b'at /none/%d"' % n not in text:
                more = await line.reader.read(4096)
                assert more, text
                text += more
    line.close()


async def test_too_many_of_them_end_the_connection(server: ServerProcess) -> None:
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):  # cut while it was still sending
            await hostile.asks_without_end_at_once(Target(server, server.sk, "many", []))
    assert server.get("/livez").status_code == 200
