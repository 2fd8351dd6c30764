"""uvicorn's WebSocket with the ends it leaves open closed: what a peer can make the server hold or do is
bounded, and every end has a deadline.

Beside ASGI's `receive` and `send` there is a shorter way for what comes most, a queue and two turns of the loop
shorter: whole text frames go to `on_text`, and `write` sends at once what a peer that reads can take."""

import logging
import time
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from websockets.frames import Frame
from websockets.protocol import OPEN

from app.auth.limits import Spill, TokenBucket, party
from app.errors import RateLimited, TooLarge
from app.server.frames import AT_ONCE, close_code, framed, is_lone, payload, whole_texts
from app.server.socket_ends import ClosingSocket
from app.server.tcp_connections import FRAGMENT_COSTS, SMALL, TcpConnections
from app.transport.slow_lane import SHARE

logger = logging.getLogger("sessionmood.server")

#: Bytes parsed before the time is looked at: 170 of the smallest frames. A read may bring 256 KiB of them.
SLICE: Final = 1024
#: A message may come in so many frames as if each had this many bytes; empty ones would cost a peer nothing.
FRAGMENT: Final = 256
#: Pings and pongs of the protocol's own that a peer may send at once, and a second.
PINGS: Final = 20.0
PINGS_A_SECOND: Final = 5.0
#: Bytes that may wait for a peer, beyond what the app waits for: pongs.
MAX_UNREAD: Final = 262_144
#: What a refused peer still sends is passed over so often (s): in few large reads, however small it sends.
SPILL_EVERY: Final = 0.01


class SocketProtocol(ClosingSocket):
    """One WebSocket. A peer that is gone, or does not read, or sends without end is cut off."""

    # Beside what uvicorn has in a dictionary, which so stays small enough for half its memory.
    __slots__ = (
        "_counted",
        "_held",
        "_lane",
        "_parsed",
        "_pings",
        "_rest",
        "_spill",
        "_waited_for",
        "_waiting",
    )

    def __init__(self, tcp: TcpConnections, *args: Any, **kwargs: Any) -> None:
        """`tcp`: all connections of this server."""
        super().__init__(tcp, *args, **kwargs)
        self._lane = tcp.lane
        self._waited_for = False
        self._rest = b""
        self._parsed = 0  # bytes of it
        self._held: list[str] = []
        self._waiting = 0  # characters of whole messages that the app has not taken yet
        self._counted = 0  # bytes that `Unfinished` knows of
        self._pings: TokenBucket | None = None
        self._spill = Spill()

    # Coming in

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._lingering:
            if self._spill.full(len(data)):
                self.transport.abort()
            elif not self.transport.is_closing():
                self.transport.pause_reading()
                self.loop.call_later(SPILL_EVERY, self._read_on)
            return
        if self._rest:
            self._rest = self._rest[self._parsed :] + data
            self._parsed = 0
            self._count()
            return
        is_open = self.conn.state is OPEN
        parsed = 0
        if is_open and len(data) <= AT_ONCE and not self.read_paused and self._between():
            texts, parsed = whole_texts(data, 0, AT_ONCE)
            if texts:
                self._texts(texts)
            if parsed == len(data) or self._lingering:  # a frame of text, which is what comes most, or a few
                if self._counted or self._waiting:
                    self._count()
                return
        if is_open and not parsed and not self.read_paused and (code := close_code(data)) and self._between():
            self._take_close(code, payload(data, 0, len(data)))
            return
        self._rest, self._parsed = data, parsed
        if not is_open or (not parsed and self._between() and is_lone(data)):
            self._parse(time.perf_counter() + SHARE)
        if self._rest and not self.read_paused and not self.transport.is_closing():
            self.transport.pause_reading()
            self._lane.join(self._parse_on)
        if len(self._rest) > SMALL:
            self._count()

    def _between(self) -> bool:
        """Whether the next byte begins a message."""
        return self.conn.current_size is None and not self.conn.reader.buffer

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _parse_on(self, ends: float) -> bool:
        """A share of what has come; True when more is left."""
        if self.read_paused or self._lingering or self.transport.is_closing():
            return False
        more = self._parse(ends)
        if not more and not self.read_paused and not self._lingering and not self.transport.is_closing():
            self.transport.resume_reading()
        return more

    def _parse(self, ends: float) -> bool:
        """Parse until the time is up or a message must wait for the app; True when more can be parsed now."""
        conn = self.conn
        while not self.read_paused and not self._lingering:
            start, size = self._parsed, len(self._rest)
            if start >= size:
                self._rest, self._parsed = b"", 0
                break
            if start and time.perf_counter() > ends:
                return True
            if conn.state is OPEN and self._between():
                texts, end = whole_texts(self._rest, start, self.config.ws_max_size)
                if texts:
                    self._parsed = end
                    self._texts(texts)
                    continue
            self._parsed = end = min(size, start + SLICE) if conn.state is OPEN else size
            super().data_received(self._rest[start:end])
        if self.frames or conn.reader.buffer:
            if self.message_since is None:
                self.message_since = self.loop.time()
                self._tcp.watch(self)
            self._count()
        else:
            self.message_since = None
            if self._rest or self._counted:
                self._count()
        return False

    def _count(self) -> None:
        """Have what is held for messages counted: of those that are not whole, and of those that wait."""
        size = len(self._rest) - self._parsed + len(self.conn.reader.buffer) + self._waiting
        if self.frames:
            size += sum(map(len, self.frames)) + FRAGMENT_COSTS * len(self.frames)
        if size or self._counted:
            self._counted = size
            client = self.scope["client"]  # as the trusted proxy says, behind one
            self._tcp.hold(self, party(client[0]) if client else "?", size)

    def forget_unread(self) -> None:
        self.frames = []
        self._rest, self._parsed = b"", 0
        self.conn.parser.close()  # it holds the last frame
        self.conn.reader.buffer = bytearray()
        self._count()

    async def receive(self) -> ASGIReceiveEvent:
        self._waited_for = True
        message = await self.queue.get()
        self._waited_for = False
        if self._waiting and message["type"] == "websocket.receive":
            self._waiting -= len(message.get("text") or "")
            self._count()
        if self.read_paused and not self._held and self.queue.empty():
            self.read_paused = False
            if self._rest:
                self._lane.join(self._parse_on)
            elif not self.transport.is_closing():
                self.transport.resume_reading()
        return message

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            data, self.frames = b"".join(self.frames), []
            try:
                text = data.decode()
            except UnicodeDecodeError:
                self.conn.fail(1007, "invalid UTF-8")
                self.handle_parser_exception()
            else:
                self._texts([text])
        else:
            self.message_since = None
            super().send_receive_event_to_app()

    def _texts(self, texts: list[str]) -> None:
        """Hand on messages that have come whole: to the fast path what it takes, the rest in its turn."""
        self.message_since = None
        if self.close_sent:
            return
        if self._waited_for and self.on_text is not None and not self._held and self.queue.empty():
            taken = self.on_text(texts)
            if taken == len(texts):
                return
            texts = texts[taken:]
        if not self._held:
            self._lane.join(self._deliver)
        self._held += texts
        self._waiting += sum(map(len, texts))
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _deliver(self, _: float) -> bool:
        self.queue.put_nowait({"type": "websocket.receive", "text": self._held.pop(0)})
        return bool(self._held)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) > self.config.ws_max_size // FRAGMENT:
            self.refuse(
                TooLarge(f"a message may come in {self.config.ws_max_size // FRAGMENT} frames at most")
            )
        elif not self.close_sent:
            super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        if self._may_ping():
            super().handle_pong(event)

    def _may_ping(self) -> bool:
        if self.close_sent:
            return False
        if self._pings is None:
            self._pings = TokenBucket(PINGS_A_SECOND, PINGS)
        if self._pings.take(1, round(self.loop.time() * 1000)):
            self.refuse(RateLimited("too many pings"))
            return False
        return True

    def handle_ping(self) -> None:
        if not self._may_ping():
            return
        if self.transport.get_write_buffer_size() > MAX_UNREAD:
            self.transport.abort()
        else:
            super().handle_ping()

    # Going out

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.close" and not self._lingering and not self.transport.is_closing():
            self._linger()

    def ready(self) -> bool:
        """Whether `write` may be used now: the peer is there and reads."""
        return (
            self.conn.state is OPEN
            and self.writable.is_set()
            and not self.close_sent
            and not self.transport.is_closing()
        )

    def write(self, text: bytes) -> None:
        """Send a text frame at once; only while `ready`."""
        self.transport.write(framed(text))

    async def run_asgi(self) -> None:
        self._tcp.move(self, "socket")  # from here on the doors count it
        await super().run_asgi()
        self._tcp.move(self, "closing")
        self.on_text = None  # the app may have set it after the peer had left
        if not self.writable.is_set():
            self.transport.abort()
        self._end_soon()
