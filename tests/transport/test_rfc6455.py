"""The Autobahn cases on the short way through the socket protocol, past ASGI's queue."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import partial
from typing import Any, cast

import kosoku
import pytest
import uvicorn

from app.config.settings import Settings
from app.server.socket_protocol import SocketProtocol
from app.server.tcp_connections import TcpConnections
from app.transport.slow_lane import SlowLane
from tests.support.server import wait_until

Message = MutableMapping[str, Any]

#: A close in the middle of a fragmented message: `websockets` answers 1002 where the case wants the close echoed.
KNOWN = {"7.1.5"}


class Echo:
    """Sends each message back; `taken`: text messages that never passed the queue."""

    def __init__(self) -> None:
        self.taken = 0

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        line = scope["extensions"]["sessionmood.fast_path"]["fast_path"]

        def hear(texts: list[str]) -> int:
            for done, text in enumerate(texts):
                if not line.ready():
                    return done
                self.taken += 1
                line.write(text.encode())
            return len(texts)

        line.on_text = hear
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})


@pytest.fixture
def echo() -> Iterator[tuple[Echo, int]]:
    app = Echo()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            loop="uvloop",
            ws=cast(Any, partial(SocketProtocol, TcpConnections(Settings(), SlowLane()))),
            ws_per_message_deflate=False,
            ws_max_size=2**20,
            log_config=None,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        yield app, listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.mark.slow
async def test_the_cases_of_rfc_6455(echo: tuple[Echo, int]) -> None:
    app, port = echo
    url = f"ws://127.0.0.1:{port}"
    # 9: messages of many MiB, which are refused here; 12 and 13: compression, which is off
    try:
        results = await kosoku.run_fuzzingclient(url, exclude_cases=["9.*", "12.*", "13.*"], concurrency=4)
    except kosoku.FailureError as failure:
        results = failure.results
    assert len(results) > 240
    assert {case.case_id for case in results if not case.passed} <= KNOWN
    assert app.taken > 50
