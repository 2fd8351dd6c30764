"""How a connection that speaks HTTP ends: late, refused with an answer, or left in good order."""

import logging
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.errors import SessionMoodError, TooLate
from app.server import heads
from app.server.tcp_connections import TcpConnections

logger = logging.getLogger("sessionmood.server")

#: Seconds that an answer may wait to be read.
READ_WITHIN: Final = 60.0
#: Seconds that a peer has to close after it was told why.
LINGER: Final = 2.0


class ClosingHttp(HttpToolsProtocol):
    """A connection that can be refused, waits for its peer to read why, and is cut off in the end."""

    def __init__(self, tcp: TcpConnections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tcp = tcp
        self.address = "?"
        # when the request that is coming in began; None while one is being answered, or none has begun
        self._since: float | None = None
        self._unread_since: float | None = None
        self._in_head = True
        self._head = 0  # bytes of the head so far
        # nothing more is read: because the end was told; because it comes with the answers that are still due
        self._ended = self._deaf = False
        self._last_words: SessionMoodError | None = None
        self._running: RequestResponseCycle | None = None

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
