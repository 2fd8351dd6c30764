"""How a connection that speaks HTTP ends: late, refused with an answer, or left in good order."""

import asyncio
import logging
from collections import deque
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import is_ssl

from app.errors import SessionMoodError, TooLate
from app.server import heads
from app.server.mailbox import Gate
from app.server.tcp_connections import TcpConnections

logger = logging.getLogger("sessionmood.server")

#: Seconds that an answer may wait to be read.
READ_WITHIN: Final = 60.0
#: Seconds that a peer has to close after it was told why.
LINGER: Final = 2.0


class Flow(FlowControl):
    """uvicorn's, without the queue that asyncio's event has for those who wait."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = self.write_paused = False
        self._is_writable_event = cast(Any, Gate())


class ClosingHttp(HttpToolsProtocol):
    """A connection that can be refused, waits for its peer to read why, and is cut off in the end.

    What uvicorn sets on each and is the same for all stands in the class, and what is ours too."""

    logger = logging.getLogger("uvicorn.error")
    access_logger = logging.getLogger("uvicorn.access")
    access_log = False
    timeout_keep_alive_task: asyncio.TimerHandle | None = None
    server = client = scheme = scope = headers = cycle = cast(Any, None)
    expect_100_continue = False

    address = "?"
    # when the request that is coming in began; None while one is being answered, or none has begun
    _since: float | None = None
    _unread_since: float | None = None
    _in_head = True
    _head = 0  # bytes of the head so far
    # nothing more is read: because the end was told; because it comes with the answers that are still due
    _ended = _deaf = False
    _last_words: SessionMoodError | None = None
    _running: RequestResponseCycle | None = None

    def __init__(
        self, tcp: TcpConnections, config: Any, server_state: Any, app_state: Any, _loop: Any = None
    ) -> None:
        self.config = config
        self.app = config.loaded_app
        self.loop = _loop or asyncio.get_running_loop()
        self.parser = httptools.HttpRequestParser(self)
        # one request behind another is answered, as the one before it was
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.ws_protocol_class = config.ws_protocol_class
        self.root_path = config.root_path
        self.asgi_version = config.asgi_version
        self.limit_concurrency = config.limit_concurrency
        self.timeout_keep_alive = config.timeout_keep_alive
        self.app_state = app_state
        self.server_state = server_state
        self.connections = server_state.connections
        self.tasks = server_state.tasks
        self.pipeline = deque()
        self._tcp = tcp

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.connections.add(self)
        self.transport = transport
        self.flow = Flow(transport)
        self.server = _address(transport, "sockname")
        self.client = cast("tuple[str, int] | None", _address(transport, "peername"))
        self.scheme = "https" if is_ssl(transport) else "http"

    def make_room(self, error: SessionMoodError) -> None:
        """End because all connections together hold too much."""
        self._fail(error)

    def count_unread(self) -> None:
        """Have what is held for requests counted that are not whole, or wait."""
        raise NotImplementedError

    def forget_unread(self) -> None:
        """Drop what has come and was not read."""
        raise NotImplementedError

    def look_after(self, now: float) -> bool:
        """End the connection when it is late: with the request, or with reading the answer. Always True."""
        within = self._tcp.request_within
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
        return True

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
            self._tcp.counters.refuse("wire", error.code)
            self.count_unread()
        elif self.pipeline or (not free and self.cycle.response_started):
            self._end(abort=True)
        else:
            self._say(error)
            self._end()

    def _say(self, error: SessionMoodError) -> None:
        """Answer without the app."""
        if error is not self._last_words:
            self._tcp.counters.refuse("wire", error.code)
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
        self.forget_unread()
        self._tcp.move(self, "closing")
        if abort or self.transport.is_closing():
            self.transport.abort()
            return
        # closing while more comes would reset the connection, and the peer might never read why
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)


def _address(transport: asyncio.Transport, name: str) -> tuple[str, int | None] | None:
    """One end of a connection: host and port, or the path of a Unix socket."""
    try:
        info = transport.get_extra_info(name)
    except OSError:  # it is gone again
        return None
    if isinstance(info, tuple):
        return str(info[0]), int(info[1])
    return (info, None) if isinstance(info, str) and info and name == "sockname" else None
