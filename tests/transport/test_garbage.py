"""What a connection held is free as soon as it is over: cyclic garbage waits for a look that comes seldom."""

import asyncio
import contextlib
import gc
import weakref
from functools import partial
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.config.settings import Settings
from app.server.http_protocol import HttpProtocol
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane
from tests.support.lines import framed
from tests.support.serving import serving


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> "list[weakref.ref[Any]]":
    """Every connection of a server in this process, once it is made."""
    found: list[weakref.ref[Any]] = []
    for kind in (HttpProtocol, SocketProtocol):
        original = kind.connection_made

        def note(self: Any, transport: Any, original: Any = original) -> None:
            found.append(weakref.ref(self))
            original(self, transport)

        monkeypatch.setattr(kind, "connection_made", note)
    return found


async def until_freed(made: "list[weakref.ref[Any]]", *kinds: type) -> None:
    async with asyncio.timeout(30):
        while any(isinstance(each(), kinds) for each in made):
            await asyncio.sleep(0.01)


@pytest.fixture
def no_collector() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        del scope["extensions"]["sessionmood.fast_path"]  # as ours does
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})


async def test_a_closed_connection_leaves_no_cyclic_garbage(
    made: "list[weakref.ref[Any]]", no_collector: None
) -> None:
    async with serving(partial(SocketProtocol, TcpConnections(Settings(), SlowLane())), hello) as address:
        async with httpx2.AsyncClient() as client:
            assert (await client.get(address.replace("ws", "http"))).status_code == 200
        assert len(made) == 1
        await until_freed(made, HttpProtocol, SocketProtocol)
        async with connect(address, compression=None) as socket:
            await socket.send("one")
            assert await socket.recv() == "one"
            assert len(made) == 3
            await until_freed(made, HttpProtocol)  # it made room for the WebSocket
        await until_freed(made, HttpProtocol, SocketProtocol)


async def test_only_who_is_silent_is_pinged() -> None:
    looks: list[bool] = []

    class Watched(SocketProtocol):
        def send_keepalive_ping(self) -> None:
            super().send_keepalive_ping()
            looks.append(self.pending_ping_payload is not None)

    kind = partial(Watched, TcpConnections(Settings(), SlowLane()))
    async with (
        serving(kind, hello, ping_interval=0.2) as address,
        connect(address, compression=None) as socket,
    ):
        async with asyncio.timeout(30):
            while True not in looks:
                await asyncio.sleep(0.02)
            assert looks[0] is False  # the handshake had just come
            answered = len(looks)
            while looks[answered:].count(True) < 2:  # it answers each, and stays
                await asyncio.sleep(0.02)
            await socket.send("one")
            assert await socket.recv() == "one"


async def test_neither_does_one_that_was_refused(made: "list[weakref.ref[Any]]", no_collector: None) -> None:
    async with serving(partial(SocketProtocol, TcpConnections(Settings(), SlowLane())), hello) as address:
        async with connect(address, compression=None) as socket:
            socket.transport.write(framed(b"", 3))  # there is no such kind of frame
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        reader, writer = await asyncio.open_connection(*address.removeprefix("ws://").split(":"))
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 5000)
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        assert len(made) == 3
        await until_freed(made, HttpProtocol, SocketProtocol)
