"""uvicorn's HTTP with what it leaves open closed: a request must arrive in time and within bounds, an answer must
be read, and connections that say nothing make room for those that do."""

import time
from collections import Counter
from typing import Any, Final

from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.config import Settings
from app.limits import Spill
from app.slow_lane import SlowLane

#: Bytes that a request's line and headers may have.
MAX_HEAD: Final = 32_768
#: Seconds that an answer may wait to be read.
READ_WITHIN: Final = 60.0
#: Seconds that a peer has to close after it was told why.
LINGER: Final = 2.0
#: Bytes parsed before it is looked at what they were.
SLICE: Final = 2048
#: Requests that may wait while one is answered. No browser sends any before it has the answer.
MAX_WAITING: Final = 16


class Lines:
    """All connections that are no WebSocket (yet). `everything`: how many of both kinds may be open; `lane`: where
    their requests take turns."""

    def __init__(self, settings: Settings, lane: SlowLane) -> None:
        self.lane = lane
        self.request_within = settings.request_timeout
        self.most = settings.request_cap
        self.everything = settings.file_cap
        per_address = settings.max_connections_per_address
        self.per_address = min(per_address, self.most // 4) if per_address else self.most
        self.refused = 0
        self._trusted = _TrustedHosts(settings.trusted_proxies)
        self._open: set[HttpProtocol] = set()
        self._by_address: Counter[str] = Counter()
        # those in no request, the longest silent first
        self._idle: dict[HttpProtocol, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, line: "HttpProtocol") -> bool:
        """False: there is no room for it."""
        address = line.address
        self._open.add(line)
        self._idle[line] = None
        self._by_address[address] += 1
        if self._by_address[address] > self.per_address and address not in self._trusted:
            return self._refuse()
        if len(line.connections) > self.everything or len(self._open) > self.most:
            silent = next(iter(self._idle))
            if silent is line:
                return self._refuse()
            self.remove(silent)
            silent.transport.abort()
        return True

    def _refuse(self) -> bool:
        self.refused += 1
        return False

    def remove(self, line: "HttpProtocol") -> None:
        if line in self._open:
            self._open.remove(line)
            self._idle.pop(line, None)
            self._by_address[line.address] -= 1
            if not self._by_address[line.address]:
                del self._by_address[line.address]

    def begin(self, line: "HttpProtocol") -> None:
        """A whole request head has come."""
        self._idle.pop(line, None)

    def finish(self, line: "HttpProtocol") -> None:
        """A request was answered."""
        if line in self._open:
            self._idle[line] = None

    def look_after(self, now: float) -> None:
        """Called every second; `now`: the loop's time."""
        for line in list(self._open):
            line.look_after(now)


class HttpProtocol(HttpToolsProtocol):
    """One connection that speaks HTTP."""

    def __init__(self, lines: Lines, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = lines
        self.address = "?"
        # when the request that is coming in began; None while one is being answered, or none has begun
        self._since: float | None = None
        self._unread_since: float | None = None
        self._in_head = True
        self._head = 0
        self._ended = False
        self._upgraded = False
        self._running: RequestResponseCycle | None = None
        self._rest = b""
        self._parsed = 0  # bytes of it
        self._has_turn = False
        self._spill = Spill()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.address = self.client[0] if self.client else "?"
        self._since = self.loop.time()
        if not self._lines.add(self):
            self._say("503 Service Unavailable", b"retry-after: 5\r\n")
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lines.remove(self)
        super().connection_lost(exc)
        self._part_from_parser()
        self.cycle = self._running = None  # type: ignore[assignment]

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._lines.remove(self)
        self.transport.pause_reading()
        self._lines.lane.join(self._upgrade)

    def _upgrade(self, _: float) -> bool:
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()
            self.transport.resume_reading()
        self._part_from_parser()
        return False

    def _part_from_parser(self) -> None:
        """They refer to each other: together they would wait for the collector of cyclic garbage, which looks at
        what has lived for a while only seldom."""
        self.parser = None  # type: ignore[assignment]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle

        def start(_: float) -> bool:
            if not self.transport.is_closing():
                super(HttpProtocol, self)._start_asgi_task(cycle, app)
            return False

        if self._has_turn:
            start(0.0)
        else:  # its turn is over: it waited for the answer to the one before it
            self._lines.lane.join(start)

    def data_received(self, data: bytes) -> None:
        if self._upgraded:
            return  # read before reading was paused: nobody may send before the answer
        if self._ended:
            if self._spill.full(len(data)):
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if not self._rest:
            self._lines.lane.join(self._parse_on)
        self._rest, self._parsed = self._rest[self._parsed :] + data, 0
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _parse_on(self, ends: float) -> bool:
        """Parse a share of what has come; True when more is left."""
        while not self._upgraded and not self._ended and not self.transport.is_closing():
            start = self._parsed
            self._parsed = start + SLICE
            self._parse(self._rest[start : self._parsed])
            if self._parsed >= len(self._rest):
                break
            if time.perf_counter() > ends:
                return True
        self._rest = b""
        if self.transport.is_closing() or self._upgraded:
            return False
        if (
            self._since is None
            and self.timeout_keep_alive_task is None
            and self._is_free()
            and not self._ended
        ):
            self._since = self.loop.time()  # empty lines, say: not a request, but no silence either
        if not self.flow.read_paused:
            self.transport.resume_reading()
        return False

    def _parse(self, data: bytes) -> None:
        self._has_turn = True
        try:
            super().data_received(data)
        finally:
            self._has_turn = False
        if self._in_head:
            self._head += len(data)
            if self._head > MAX_HEAD and not self.transport.is_closing():
                self._say("431 Request Header Fields Too Large")
                self._end()
        if len(self.pipeline) > MAX_WAITING:
            self._end(abort=True)

    def on_message_begin(self) -> None:
        self._since = self.loop.time()
        self._in_head = True
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._lines.begin(self)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if (
            self._since is not None
            and not self._ended
            and not self.transport.is_closing()
            and not self.pipeline
        ):
            self._end()  # refused before the whole body came: what is left of it is not read
        elif self._is_free() and not self.pipeline:
            self._lines.finish(self)

    def look_after(self, now: float) -> None:
        """End the connection when it is late: with the request, or with reading the answer."""
        if self._since is not None and now - self._since > self._lines.request_within:
            self._expire()
        elif self.transport.get_write_buffer_size() == 0:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > READ_WITHIN:
            self._end(abort=True)

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expire(self) -> None:
        """The request did not arrive in time."""
        if self.pipeline or (not self._is_free() and self.cycle.response_started):
            self._end(abort=True)
            return
        if self._head or not self._is_free():
            self._say("408 Request Timeout")
        self._end()

    def _say(self, status: str, headers: bytes = b"") -> None:
        self.transport.write(
            b"HTTP/1.1 "
            + status.encode()
            + b"\r\ncontent-length: 0\r\nconnection: close\r\n"
            + headers
            + b"\r\n"
        )

    def _end(self, *, abort: bool = False) -> None:
        self._since = None
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        self._ended = True
        if abort or self.transport.is_closing():
            self.transport.abort()
            return
        # closing while more comes would reset the connection, and the peer might never read why
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)
