"""What the service is measured against: the same uvicorn, the same settings, and nothing to do.

    python -m benchmarks.peers.echo raw|starlette PORT

Over a WebSocket each frame comes back as it is; a POST is read and answered with a fixed JSON body of the
size of a reading.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANSWER = b'{"mood": "%s"}' % (b"x" * 800)
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def raw(scope: Message, receive: Receive, send: Send) -> None:
    """Plain ASGI."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
    elif scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


async def _post(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


def starlette() -> Starlette:
    return Starlette(
        routes=[
            WebSocketRoute("/v1/sessions/{id}/ws", _socket),
            Route("/v1/sessions/{id}/events", _post, methods=["POST"]),
        ]
    )


def main() -> None:
    app: Any = raw if sys.argv[1] == "raw" else starlette()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        backlog=4096,
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        lifespan="off",
    )


if __name__ == "__main__":
    main()
