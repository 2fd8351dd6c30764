"""uvicorn's WebSocket with the ends it leaves open closed: what a peer can make the server hold or do is
bounded, and every end has a deadline."""

import asyncio
import socket
from asyncio.transports import BaseTransport
from typing import Any, Final, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, Frame, Opcode

from app import protocol
from app.errors import RateLimited, SessionMoodError, TooLarge, TooSlow
from app.limits import TokenBucket

#: Bytes parsed before others have their turn: a read may bring 256 KiB, which is 40,000 of the smallest frames.
SLICE: Final = 4096
#: A message may come in so many frames as if each had this many bytes; empty ones would cost a peer nothing.
FRAGMENT: Final = 64
#: Pings of the protocol's own that a peer may send at once, and a second.
PINGS: Final = 100.0
PINGS_A_SECOND: Final = 5.0
#: Bytes that may wait for a peer, beyond what the app waits for: pongs.
MAX_UNREAD: Final = 262_144
#: Seconds that one message may take to arrive, and a closing peer to answer or to read what was sent.
MESSAGE_WITHIN: Final = 20.0
CLOSE_WITHIN: Final = 5.0
#: Bytes passed over meanwhile.
MAX_SPILLED: Final = 1_048_576
#: Seconds after which the system gives up on a peer that acknowledges nothing.
USER_TIMEOUT: Final = 30.0


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. A peer that is gone, or does not read, or sends without end is cut off."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSE_WITHIN
        #: when the message that is coming in began (the loop's time); None between messages
        self.message_since: float | None = None
        # what has come and is not parsed yet, from `_at` on
        self._rest = b""
        self._at = 0
        self._pings: TokenBucket | None = None
        self._lingering = False
        self._spilled = 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        sock = cast(asyncio.Transport, transport).get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(USER_TIMEOUT * 1000))

    # Coming in

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._spilled += len(data)
            if self._spilled > MAX_SPILLED:
                self.transport.abort()
            return
        if len(data) <= SLICE and not self._rest:
            self._parse(data)
        else:
            self._rest = self._rest[self._at :] + data
            self._at = 0
            self._parse_rest()

    def _parse_rest(self) -> None:
        while self._rest and not self.read_paused and not self._lingering:
            part = self._rest[self._at : self._at + SLICE]
            self._at += SLICE
            if self._at >= len(self._rest):
                self._rest, self._at = b"", 0
            self._parse(part)

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        if not self.frames and not self.conn.reader.buffer:
            self.message_since = None
        elif self.message_since is None:
            self.message_since = self.loop.time()

    async def receive(self) -> ASGIReceiveEvent:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
                if self._rest:
                    await asyncio.sleep(0)
                    self._parse_rest()
        return message

    def send_receive_event_to_app(self) -> None:
        self.message_since = None
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(1007, "invalid UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) > self.config.ws_max_size // FRAGMENT:
            self.refuse(
                TooLarge(f"a message may come in {self.config.ws_max_size // FRAGMENT} frames at most")
            )
        elif not self.close_sent:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        if self.close_sent:
            return
        if self._pings is None:
            self._pings = TokenBucket(PINGS_A_SECOND, PINGS)
        if self._pings.take(1, round(self.loop.time() * 1000)):
            self.refuse(RateLimited("too many pings"))
        elif self.transport.get_write_buffer_size() > MAX_UNREAD:
            self.transport.abort()
        else:
            super().handle_ping()

    def handle_parser_exception(self) -> None:
        sent = self.conn.close_sent
        if sent is not None and sent.code == 1009:
            # what the parser refuses as too big gets the contract's code, with the reason in words
            self.refuse(TooLarge(f"a frame may have {self.config.ws_max_size} bytes at most"))
        elif sent is not None:
            self._finish(b"".join(self.conn.data_to_send()), sent.code, sent.reason)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.close" and not self._lingering and not self.transport.is_closing():
            self._linger()

    # Endings

    def refuse(self, error: SessionMoodError) -> None:
        """Say why, then close, whatever the app is doing."""
        if self.close_sent:
            return
        self.conn.data_to_send()  # what the parser would have answered
        report = protocol.frame("error", code=error.code, detail=error.detail)
        frames = (
            Frame(Opcode.TEXT, report),
            Frame(Opcode.CLOSE, Close(error.close_code, error.code).serialize()),
        )
        self._finish(b"".join(frame.serialize(mask=False) for frame in frames), error.close_code, error.code)

    def _finish(self, last: bytes, code: int, reason: str) -> None:
        """Send the last bytes, then pass over what still comes until the peer has closed: closing before that
        would reset the connection, and the peer might never read why."""
        if self._lingering or self.transport.is_closing():
            return
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(last)
        self._linger()

    def _linger(self) -> None:
        self._lingering = True
        self.frames = []
        self._rest = b""
        self.message_since = None
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_WITHIN, self.transport.abort)

    def look_after(self, now: float) -> None:
        """Called every second; `now`: the loop's time."""
        since = self.message_since
        if since is not None and now - since > MESSAGE_WITHIN and not self.close_sent:
            self.refuse(TooSlow(f"a message may take {MESSAGE_WITHIN:.0f} s to arrive"))

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_if_unread()

    def shutdown(self) -> None:
        super().shutdown()
        self._abort_if_unread()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_soon()

    async def run_asgi(self) -> None:
        cast(dict[str, Any], self.scope["extensions"])["sessionmood.abort"] = {"abort": self.transport.abort}
        await super().run_asgi()
        if not self.writable.is_set():
            self.transport.abort()
        self._end_soon()

    def _abort_if_unread(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _end_soon(self) -> None:
        """A transport that closes waits for its peer to read, for ever if need be. Not here."""
        if not self.disconnected and (self.close_sent or self.transport.is_closing()):
            self.loop.call_later(CLOSE_WITHIN, self.transport.abort)
