"""uvicorn's HTTP with what it leaves open closed: a request must arrive in time and within bounds, from its first
byte to its last; what is no request gets an answer all the same; an answer must be read."""

import logging
import time
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.auth.limits import Spill, party
from app.errors import (
    BadRequest,
    HeadTooLarge,
    MethodNotAllowed,
    SessionMoodError,
    TooLate,
    TooManyConnections,
)
from app.server import heads
from app.server.lines import SMALL, Lines

logger = logging.getLogger("sessionmood.server")

#: Bytes that a request's line and headers may have; and what comes between two pieces of its body, or after the
#: last: the sizes of chunks with their extensions, trailers.
MAX_HEAD: Final = 32_768
#: Seconds that an answer may wait to be read.
READ_WITHIN: Final = 60.0
#: Seconds that a peer has to close after it was told why.
LINGER: Final = 2.0
#: Bytes parsed before it is looked at what they were.
SLICE: Final = 2048
#: Requests that may wait while one is answered. No browser sends any before it has the answer.
MAX_WAITING: Final = 16
#: The extension of ASGI, and the type of its message, by which an app gives a whole answer at once.
ANSWER: Final = "sessionmood.answer"
#: Methods whose bodies are read; others' are passed over (RFC 9110, 9.3.1: they mean nothing).
_WITH_BODY: Final = ("POST", "PUT", "PATCH")


class Cycle(RequestResponseCycle):
    """One request and its answer. Beside ASGI's messages it takes a whole answer of status 200 in one
    (`sessionmood.answer`: `head`, lines of headers that are known to be good, and `body`): looking through each header
    once more costs 20 us."""

    async def send(self, message: Any) -> None:
        if message["type"] != ANSWER:
            await super().send(message)
            return
        head, body = message["head"], message["body"]
        if self.response_started or self.disconnected or self.flow.write_paused or not self._is_plain():
            lines = [line.split(b": ", 1) for line in head.split(b"\r\n")]
            await super().send({"type": "http.response.start", "status": 200, "headers": lines})
            await super().send({"type": "http.response.body", "body": body, "more_body": False})
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (head, body))
        self.message_event.set()
        self.on_response()

    def _is_plain(self) -> bool:
        """Whether the answer has no headers but those of the app."""
        return self.keep_alive and not self.default_headers


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
        self._takes_body = False
        self._head = 0  # bytes of the head so far
        self._beside = 0  # bytes since the head or the last piece of the body
        self._counted = 0  # bytes that `Unfinished` knows of
        self._size = 0  # bytes of requests that are not whole or wait for the answer to one before them
        # nothing more is read: because the end was told; because it comes with the answers that are still due
        self._ended = self._deaf = False
        self._last_words: SessionMoodError | None = None
        # what becomes of a request to upgrade: it is granted; it is passed over, and the request read without it
        self._granted = self._passed_over = False
        self._upgraded = False
        self._fault: SessionMoodError | None = None
        self._running: RequestResponseCycle | None = None
        self._rest = b""
        self._parsed = 0  # bytes of it
        self._has_turn = False
        self._spill = Spill()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        host = self.client[0] if self.client else "?"
        self.address = party(host)
        self._since = self.loop.time()
        if not self._lines.add(self, host):
            self._say(TooManyConnections("there is no room for more connections", retry_ms=5000))
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lines.remove(self)
        super().connection_lost(exc)
        self._part_from_parser()
        self.cycle = self._running = None  # type: ignore[assignment]

    def _part_from_parser(self) -> None:
        """They refer to each other: together they would wait for the collector of cyclic garbage."""
        self.parser = None  # type: ignore[assignment]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        cycle.__class__ = Cycle
        cast(dict[str, Any], cycle.scope).setdefault("extensions", {})[ANSWER] = {}

        def start(_: float) -> bool:
            if not self.transport.is_closing():
                super(HttpProtocol, self)._start_asgi_task(cycle, app)
            return False

        if self._has_turn:
            start(0.0)
        else:  # its turn is over: it waited for the answer to the one before it
            self._lines.lane.join(start)

    # Coming in

    def data_received(self, data: bytes) -> None:
        if self._upgraded:
            return  # read before reading was paused: nobody may send before the answer
        if self._ended or self._deaf:
            if self._spill.full(len(data)):
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        if not self._rest:
            self._lines.lane.join(self._parse_on)
        self._rest, self._parsed = self._rest[self._parsed :] + data, 0
        if not self.transport.is_closing():
            self.transport.pause_reading()
        if len(self._rest) > SMALL:
            self._count()

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
        if self.transport.is_closing() or self._upgraded:
            return False
        if self._since is None and self.timeout_keep_alive_task is None and self._is_free() and self._reads():
            self._since = self.loop.time()  # empty lines, say: not a request, but no silence either
        self._count()
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
                self._upgrade_soon()
            elif self._passed_over and self._reads():
                self._read_again(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            if cause is not None and not isinstance(cause, httptools.HttpParserError):
                logger.error("a request could not be read", exc_info=cause)
            if self._reads():
                reason = "" if cause is not None else f": {error}"
                self._fail(BadRequest(f"this is no HTTP request that can be read{reason}"))

    def _count(self) -> None:
        """Have what is held for requests counted that are not whole, or wait."""
        size = self._size + len(self._rest) - self._parsed
        if size or self._counted:
            self._counted = size
            self._lines.hold(self, self._whose(), size)

    def _whose(self) -> str:
        """The sender's address: as a trusted proxy says, once the app has looked at the request."""
        cycle = self._running
        client = cycle.scope["client"] if cycle is not None and cycle is self.cycle else None
        return self.address if client is None else party(client[0])

    def make_room(self, error: SessionMoodError) -> None:
        """End because all connections together hold too much."""
        self._fail(error)

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
            self._lines.trailers += 1
        elif not (self._ended or self._deaf):
            name = name.lower()
            if name != b"cookie":  # nobody reads them, and they are long
                super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._ended or self._deaf:
            return
        self._in_head = False
        self._beside = 0
        self._lines.move(self, "request")
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

    # Upgrades

    def _upgrade_soon(self) -> None:
        self._upgraded = True
        self._lines.move(self, "handshake")
        self.transport.pause_reading()
        self._lines.lane.join(self._upgrade)

    def _upgrade(self, _: float) -> bool:
        """Hand the connection over. The WebSocket reads only what makes the request a handshake: its parser has
        bounds of its own, which long cookies would break. The app gets the whole head."""
        if not self.transport.is_closing():
            self._lines.remove(self)
            self.connections.discard(self)
            heir = cast(Any, self.ws_protocol_class)(
                config=self.config, server_state=self.server_state, app_state=self.app_state
            )
            heir.head = self.scope
            heir.connection_made(self.transport)
            heir.data_received(heads.handshake(self.headers))
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
            self._count()
            self._lines.move(self, "idle")

    def look_after(self, now: float) -> None:
        """End the connection when it is late: with the request, or with reading the answer."""
        within = self._lines.request_within
        if self._since is not None and now - self._since > within:
            if self._head or not self._is_free():
                self._fail(TooLate(f"a request may take {within:g} s to arrive"))
            else:
                self._end()
        elif self.transport.get_write_buffer_size() == 0:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > READ_WITHIN:
            self._end(abort=True)

    def abort(self) -> None:
        """Cut the line."""
        self.transport.abort()

    def shutdown(self) -> None:
        """The server stops. What goes wrong with one connection must not keep it from that."""
        try:
            super().shutdown()
        except Exception:
            logger.exception("a connection could not be closed in good order")
            self.transport.abort()

    def _is_free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _fail(self, error: SessionMoodError) -> None:
        """Refuse what is coming in: it is no request, too much of one, or too late."""
        if self._ended or self.transport.is_closing():
            return
        free = self._is_free()
        if not free and (self._since is None or self._in_head):
            # it comes behind one that is being answered: that one first
            self._deaf, self._since, self._last_words = True, None, error
            self._lines.counters.refuse("wire", error.code)
            self._count()
        elif self.pipeline or (not free and self.cycle.response_started):
            self._end(abort=True)
        else:
            self._say(error)
            self._end()

    def _say(self, error: SessionMoodError) -> None:
        """Answer without the app."""
        if error is not self._last_words:
            self._lines.counters.refuse("wire", error.code)
        self.transport.write(heads.answer(error))

    def _end(self, *, abort: bool = False) -> None:
        self._since = None
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        self._ended = True
        self._rest, self._parsed, self._size = b"", 0, 0
        self._count()
        self._lines.move(self, "closing")
        if abort or self.transport.is_closing():
            self.transport.abort()
            return
        # closing while more comes would reset the connection, and the peer might never read why
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)
