"""uvicorn's HTTP with what it leaves open closed: a request must arrive in time and within bounds, from its first
byte to its last; what is no request gets an answer all the same; an answer must be read."""

import logging
import time
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.auth.limits import Spill, party
from app.errors import (
    BadRequest,
    HeadTooLarge,
    MethodNotAllowed,
    SessionMoodError,
    TooManyConnections,
)
from app.server import heads
from app.server.http_ends import ClosingHttp
from app.server.request_cycle import ANSWER, Cycle, WholeRequest
from app.server.tcp_connections import SMALL

logger = logging.getLogger("sessionmood.server")

#: Bytes that a request's line and headers may have; and what comes between two pieces of its body, or after the
#: last: the sizes of chunks with their extensions, trailers.
MAX_HEAD: Final = 32_768
#: Bytes parsed before it is looked at what they were.
SLICE: Final = 2048
#: Requests that may wait while one is answered. No browser sends any before it has the answer.
MAX_WAITING: Final = 16
#: Methods whose bodies are read; others' are passed over (RFC 9110, 9.3.1: they mean nothing).
_WITH_BODY: Final = ("POST", "PUT", "PATCH")


class HttpProtocol(ClosingHttp):
    """One connection that speaks HTTP."""

    _takes_body = False
    _beside = 0  # bytes since the head or the last piece of the body
    _counted = 0  # bytes that `Unfinished` knows of
    _size = 0  # bytes of requests that are not whole or wait for the answer to one before them
    # what becomes of a request to upgrade: it is granted; it is passed over, and the request read without it
    _granted = _passed_over = False
    _upgraded = False
    _fault: SessionMoodError | None = None
    _rest = b""
    _parsed = 0  # bytes of it
    _has_turn = False
    # the last request was answered 200: the next one, a whole POST, is taken at once, and looked for now; found
    _welcome = _taking = False
    _whole: RequestResponseCycle | None = None
    _spill: Spill | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else "?"
        self.address = party(host)
        self._since = self.loop.time()
        if not self._tcp.add(self, host):
            self._say(TooManyConnections("there is no room for more connections", retry_ms=5000))
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tcp.remove(self)
        super().connection_lost(exc)
        self._part_from_parser()
        self.cycle = self._running = None

    def _part_from_parser(self) -> None:
        """They refer to each other: together they would wait for the collector of cyclic garbage."""
        self.parser = None  # type: ignore[assignment]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cycle.__class__ = Cycle
        scope = cast(dict[str, Any], cycle.scope)
        scope.setdefault("extensions", {})[ANSWER] = {}
        if self._taking and "fault" not in scope and not cycle.waiting_for_100_continue:
            self._whole = cycle
        else:
            self._start(cycle)

    def _start(self, cycle: RequestResponseCycle) -> None:
        """Have the app handle a request, in its turn."""

        def start(_: float) -> bool:
            if not self.transport.is_closing():
                super(HttpProtocol, self)._start_asgi_task(cycle, self.app)
            return False

        if self._has_turn:
            start(0.0)
        else:  # its turn is over: it waited for the answer to the one before it
            self._tcp.lane.join(start)

    # Coming in

    def data_received(self, data: bytes) -> None:
        if self._upgraded:
            return  # read before reading was paused: nobody may send before the answer
        if self._ended or self._deaf:
            if self._spill is None:
                self._spill = Spill()
            if self._spill.full(len(data)):
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if not self._rest:
            if self._may_take(data) and not (data := self._take(data)):
                self.count_unread()
                return
            self._tcp.lane.join(self._parse_on)
        self._rest, self._parsed = self._rest[self._parsed :] + data, 0
        if not self.transport.is_closing():
            self.transport.pause_reading()
        if len(self._rest) > SMALL:
            self.count_unread()

    def _may_take(self, data: bytes) -> bool:
        return self._welcome and len(data) <= SMALL and data.startswith(b"POST ") and self._is_between()

    def _is_between(self) -> bool:
        """Whether the next byte begins a request, and none is being answered."""
        return self._since is None and self._is_free() and not self.pipeline

    def _take(self, data: bytes) -> bytes:
        """Have one whole POST answered at once, as whole text frames are, without a task, from a connection whose last
        request was granted; what is left for its turn: nothing, or what is behind the head of any other request."""
        end = data.find(b"\r\n\r\n", 0, SLICE) + 4
        if end < 4:
            return data
        self._taking = True
        try:
            self._parse(data[:end])
        finally:
            self._taking = False
        cycle, self._whole = self._whole, None
        if cycle is not None:
            if (b"content-length", b"%d" % (len(data) - end)) in self.headers:
                self._parse(data[end:])
                self._offer(cycle)
                return b""
            self._start(cycle)
        return data[end:] if self._reads() else b""

    def _offer(self, cycle: RequestResponseCycle) -> None:
        """Have the app answer a request that is here whole."""
        self._tcp.proxies.note(cycle.scope)
        request = WholeRequest(cast(Cycle, cycle), self._start, cast(set[Any], self.tasks))
        if not self._tcp.take(request):
            request.leave()

    def _reads(self) -> bool:
        return not (self._upgraded or self._ended or self._deaf or self.transport.is_closing())

    def _parse_on(self, ends: float) -> bool:
        """Parse a share of what has come; True when more is left."""
        while self._reads():
            start = self._parsed
            self._parsed = start + SLICE
            self._parse(self._rest[start : self._parsed])
            if self._parsed >= len(self._rest):
                break
            if time.perf_counter() > ends:
                return True
        self._rest, self._parsed = b"", 0
        if self._upgraded and time.perf_counter() > ends:
            self._tcp.lane.join(self._upgrade)
        elif self._upgraded:
            self._upgrade(ends)
        if self._upgraded or self.transport.is_closing():
            return False
        if self._since is None and self.timeout_keep_alive_task is None and self._is_free() and self._reads():
            self._since = self.loop.time()  # empty lines, say: not a request, but no silence either
        self.count_unread()
        if not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
        return False

    def _parse(self, data: bytes) -> None:
        self._has_turn = True
        self._beside += len(data)
        try:
            self._feed(data)
        finally:
            self._has_turn = False
        if not self._reads():
            return
        if self._since is not None and (self._in_head or self._takes_body):
            self._size += len(data)
        if self._in_head:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._fail(HeadTooLarge(f"a request's line and headers may have {MAX_HEAD} bytes"))
        elif self._since is not None and self._beside > MAX_HEAD:
            self._fail(HeadTooLarge(f"chunk extensions and trailers may have {MAX_HEAD} bytes"))
        if len(self.pipeline) > MAX_WAITING:
            self._end(abort=True)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._granted:
                self._upgraded = True
                self._tcp.move(self, "handshake")
            elif self._passed_over and self._reads():
                self._read_again(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            if cause is not None and not isinstance(cause, httptools.HttpParserError):
                logger.error("a request could not be read", exc_info=cause)
            if self._reads():
                reason = "" if cause is not None else f": {error}"
                self._fail(BadRequest(f"this is no HTTP request that can be read{reason}"))

    def count_unread(self) -> None:
        """Have what is held for requests counted that are not whole, or wait."""
        size = self._size + len(self._rest) - self._parsed
        if size or self._counted:
            self._counted = size
            self._tcp.hold(self, self._whose(), size)

    def _whose(self) -> str:
        """The sender's address: as a trusted proxy says, once the app has looked at the request."""
        cycle = self._running
        client = cycle.scope["client"] if cycle is not None and cycle is self.cycle else None
        return self.address if client is None else party(client[0])

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._ended or self._deaf:
            return
        self._since = self.loop.time()
        self._in_head = True
        self._head = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer: whoever reads headers must not find it among them
            self._tcp.trailers += 1
        elif not (self._ended or self._deaf):
            name = name.lower()
            if name != b"cookie":  # nobody reads them, and they are long
                super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._ended or self._deaf:
            return
        self._in_head = False
        self._beside = 0
        self._tcp.move(self, "request")
        method = self.parser.get_method()
        self.scope["method"] = method.decode("ascii")
        self._takes_body = self.scope["method"] in _WITH_BODY
        if method == b"CONNECT":
            self._fail(MethodNotAllowed("this is no proxy: CONNECT means nothing here", allow="GET, POST"))
            return
        fault = self._fault or heads.fault(self.headers, self.parser.get_http_version())
        self._fault, self._granted, self._passed_over = None, False, False
        if self.parser.should_upgrade():
            if fault is None and method == b"GET" and self._get_upgrade() == b"websocket":
                fault = heads.handshake_fault(self.headers)
                self._granted = fault is None
            self._passed_over = not self._granted
            self._fault = fault
            if self._granted:
                heads.locate(cast(dict[str, Any], self.scope), self.url, self.root_path)
            return
        if self.url[:1] != b"/" and httptools.parse_url(self.url).path is None:  # http://host and no more
            self.url = b"/"
        if fault is not None:
            cast(dict[str, Any], self.scope)["fault"] = fault
        super().on_headers_complete()
        self._deaf = fault is not None  # what follows is not to be trusted

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        if self._takes_body and not (self._ended or self._deaf):
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._ended or self._granted or self._passed_over or self.cycle is None:
            return
        self._since = None
        if not self.pipeline:
            self._size = 0
        super().on_message_complete()

    def forget_unread(self) -> None:
        self._rest, self._parsed, self._size = b"", 0, 0
        self.count_unread()

    # Upgrades

    def _upgrade(self, _: float) -> bool:
        """Hand the connection over. The WebSocket reads only what makes the request a handshake: its parser has
        bounds of its own, which long cookies would break. The app gets the whole head."""
        if not self.transport.is_closing():
            self._tcp.remove(self)
            self.connections.discard(self)
            heir = cast(Any, self.ws_protocol_class)(
                config=self.config, server_state=self.server_state, app_state=self.app_state
            )
            heir.head, heir.address = self.scope, self.address
            heir.connection_made(self.transport)
            heir.shake_hands(self.headers)
            self.transport.set_protocol(heir)
            self.transport.resume_reading()
        self._part_from_parser()
        return False

    def _read_again(self, rest: bytes) -> None:
        """The parser stops behind the head of any request to upgrade. This one is read as if it had not asked,
        which every server may do (RFC 9110, 7.8)."""
        method, url, headers = self.scope["method"], self.url, self.headers
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(heads.without_upgrade(method, url, headers) + rest)

    # Answers

    def on_response_complete(self) -> None:
        running = cast("Cycle | None", self._running)
        self._welcome = running is not None and running.status == 200
        super().on_response_complete()
        if self._ended or self.transport.is_closing() or self.pipeline or not self._is_free():
            return
        if self._since is not None and not self._in_head:
            self._end()  # refused before the whole body came: what is left of it is not read
        elif self._deaf:
            if self._last_words is not None:
                self._say(self._last_words)
            self._end()
        else:
            self._size = 0
            self.count_unread()
            self._tcp.move(self, "idle")
