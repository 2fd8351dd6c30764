"""How a WebSocket opens: what was read as HTTP is taken over, not read again, and answered without a detour where
nothing about it is unusual."""

import asyncio
import logging
import socket
import uuid
from asyncio.transports import BaseTransport
from typing import Any, Final, Literal, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN, SERVER, Protocol
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from app.auth.limits import party
from app.server import heads
from app.server.mailbox import Gate, Mailbox
from app.server.tcp_connections import TcpConnections

_logger = logging.getLogger("uvicorn.error")

#: What the app is told of the handshake as it came.
_OF_THE_HEAD: Final = ("path", "raw_path", "query_string", "headers")
#: Bytes that the system takes in advance for a peer that reads slowly, instead of up to 4 MiB each: what waits
#: here can still be replaced by a newer reading.
MAX_UNSENT: Final = 16_384
#: Seconds after which the system gives up on a peer that acknowledges nothing.
USER_TIMEOUT: Final = 30.0
_SWITCHING: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)


class FrameParser(ServerProtocol):
    """websockets' parser of frames, behind a handshake that it has not read. What begins alike for all stands in the
    class, which takes a tenth of the time and a third of the memory (`tests/transport/test_borrowed.py` compares)."""

    id = uuid.UUID(int=0)
    logger = _logger
    debug = False
    side = SERVER
    max_fragment_size = None
    current_size = None
    expect_continuation_frame = False
    origin = subprotocol = None
    extensions = available_extensions = cast(Any, ())  # nothing is compressed
    origins = available_subprotocols = None
    close_rcvd = close_sent = close_rcvd_then_sent = None
    handshake_exc = parser_exc = None
    eof_sent = accept_called = False

    def __init__(self, max_size: int) -> None:
        self.max_message_size = max_size
        self._state = CONNECTING
        self.reader = StreamReader()
        self.events = []
        self.writes = []
        self.parser = Protocol.parse(self)
        next(self.parser)  # up to its first byte


class OpeningSocket(WebSocketsSansIOProtocol):
    """A WebSocket from its handshake on. As with the parser, what uvicorn sets on each and is the same for all stands in
    the class."""

    __slots__ = ("_accept", "_tcp", "address", "head")

    scheme: Literal["wss", "ws"] = "ws"
    handshake_initiated = handshake_complete = close_sent = disconnected = read_paused = False
    close_timer: asyncio.TimerHandle | None = None
    ping_timer = pong_timer = None
    initial_response = pending_ping_payload = None
    ping_sent_at = last_ping_rtt = 0.0
    curr_msg_data_type: Literal["text", "bytes"] = "bytes"
    logger = _logger

    def __init__(self, tcp: TcpConnections, config: Any, server_state: Any, app_state: Any) -> None:
        self.config = config
        self.app = config.loaded_app
        self.loop = asyncio.get_running_loop()
        self.root_path = config.root_path
        self.asgi_version = config.asgi_version
        self.app_state = app_state
        self.connections = server_state.connections
        self.tasks = server_state.tasks
        self.default_headers = server_state.default_headers
        self.queue = cast(Any, Mailbox())
        self.writable = cast(Any, Gate())
        self.conn = FrameParser(config.ws_max_size)
        self.ping_interval = config.ws_ping_interval
        self.ping_timeout = config.ws_ping_timeout
        self.frames = []
        self._tcp = tcp
        #: the request that was the handshake, as a scope; and who sent it
        self.head: dict[str, Any] = {}
        self.address = "?"
        self._accept = b""  # what proves that its key was read, until it was answered

    def connection_made(self, transport: BaseTransport) -> None:
        """Take over a connection from one that has read the request, and set `head` and `address`; without that it is
        read here."""
        if self.head:
            self.connections.add(self)
            self.transport = cast(asyncio.Transport, transport)
            self.server, self.client = self.head["server"], self.head["client"]
            if self.head["scheme"] == "https":
                self.scheme = "wss"
        else:
            super().connection_made(transport)
            self.address = party(self.client[0] if self.client else "?")
            self.conn = ServerProtocol(max_size=self.config.ws_max_size, logger=_logger)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(USER_TIMEOUT * 1000))
        if sock is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)
        self._tcp.shake_hands(cast(Any, self))

    def shake_hands(self, headers: heads.Headers) -> None:
        """Take the request that asks for this WebSocket, which was read as HTTP: frames come next. Having a parser read
        it once more would cost time, and hold the request as long as the socket lives."""
        found = heads.plain_handshake(headers)
        if found is None:  # websockets says what is wrong with it, if anything is
            self.handle_connect(heads.handshake(headers))
            return
        self._accept, subprotocols = found
        self.handshake_initiated = True
        scope, self.head = self.head, {}
        del scope["method"]
        scope.update(
            type="websocket",
            asgi={"version": self.asgi_version, "spec_version": "2.4"},
            scheme=self.scheme,
            subprotocols=subprotocols,
            extensions={"websocket.http.response": {}, **self._extensions()},
        )
        self.scope = cast(Any, scope)
        self.queue.put_nowait({"type": "websocket.connect"})
        task = self.loop.create_task(self.run_asgi())
        task.add_done_callback(self.on_task_complete)
        self.tasks.add(task)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.close_sent:  # refused; `scope` is there for good
            self._tcp.move(cast(Any, self), "closing")
            return
        scope = cast(dict[str, Any], self.scope)
        scope.update({name: self.head[name] for name in _OF_THE_HEAD if name in self.head})
        scope["extensions"].update(self._extensions())
        self.head = {}

    def _extensions(self) -> dict[str, Any]:
        return {"sessionmood.fast_path": {"fast_path": self}}

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] != "websocket.accept" or not self._accept:
            await super().send(message)
            if message["type"] == "websocket.accept":
                # A socket lives long, and need not hold what its handshake asked and was answered.
                self.request = self.response = cast(Any, None)
            return
        if self.disconnected:
            raise ClientDisconnected
        if not self.transport.is_closing():
            lines = [_SWITCHING + self._accept]
            lines += [name + b": " + value for name, value in self.default_headers]
            lines += [name + b": " + value for name, value in message.get("headers", ())]
            if subprotocol := message.get("subprotocol"):
                lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode())
            self.handshake_complete = True
            self.conn.state = OPEN
            self.transport.write(b"\r\n".join([*lines, b"", b""]))
            self.start_keepalive()
        self._accept = b""
