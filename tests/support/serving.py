"""An app of the test's own behind the service's two wires."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import uvicorn

from app.config.settings import Settings
from app.server.http_protocol import HttpProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane


async def echo(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        body = {"bytes": message["bytes"]} if text is None else {"text": text}
        await send({"type": "websocket.send", **body})


@contextlib.asynccontextmanager
async def serving(
    kind: Any, app: Any = echo, ping_interval: float | None = None, tcp: TcpConnections | None = None
) -> AsyncIterator[str]:
    """The address of an app whose sockets are of this kind. `tcp`: its connections."""
    config = uvicorn.Config(
        app,
        port=0,
        http=cast(Any, partial(HttpProtocol, TcpConnections(Settings(), SlowLane()) if tcp is None else tcp)),
        ws=kind,
        ws_per_message_deflate=False,
        ws_max_size=2**24,
        ws_ping_interval=ping_interval,
        log_config=None,
        server_header=False,
        date_header=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task
