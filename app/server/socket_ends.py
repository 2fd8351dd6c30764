"""How a WebSocket ends: every end has a deadline, and says why where the peer can still read it."""

import logging
from collections.abc import Callable
from typing import Any, Final

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLOSING

from app import protocol
from app.errors import SessionMoodError, TooLarge, TooSlow
from app.server.opening import OpeningSocket
from app.server.tcp_connections import TcpConnections

logger = logging.getLogger("sessionmood.server")

#: Seconds that a closing peer may take to answer or to read what was sent.
CLOSE_WITHIN: Final = 5.0


class ClosingSocket(OpeningSocket):
    """A WebSocket that can be refused, waits for its peer to read why, and is cut off in the end."""

    # Beside what uvicorn has in a dictionary, which so stays small enough for half its memory.
    __slots__ = (
        "_heard",
        "_lingering",
        "_message_within",
        "message_since",
        "on_text",
        "tick",
    )

    close_timeout = CLOSE_WITHIN

    def __init__(self, tcp: TcpConnections, *args: Any, **kwargs: Any) -> None:
        super().__init__(tcp, *args, **kwargs)
        self._message_within = tcp.request_within
        #: when the message that is coming in began (the loop's time); None between messages
        self.message_since: float | None = None
        #: takes text frames on the fast path, from the first on, and tells how many; the others go to `receive`
        self.on_text: Callable[[list[str]], int] | None = None
        self._heard = True  # whether something came since it was last looked whether to ping
        self._lingering = False
        self.tick: int | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tcp.remove(self)
        # What refers to itself would wait for the collector of cyclic garbage.
        self.on_text = None
        self.conn.parser.close()
        for error in (self.conn.parser_exc, self.conn.handshake_exc):
            if error is not None:
                error.__traceback__ = error.__context__ = error.__cause__ = None

    def make_room(self, error: SessionMoodError) -> None:
        """End because all connections together hold too much."""
        self.refuse(error)

    def forget_unread(self) -> None:
        """Drop what has come and was not read."""
        raise NotImplementedError

    def handle_parser_exception(self) -> None:
        sent = self.conn.close_sent
        if sent is not None and sent.code == 1009:
            # what the parser refuses as too big gets the contract's code, with the reason in words
            self.refuse(TooLarge(f"a frame may have {self.config.ws_max_size} bytes at most"))
        elif sent is not None:
            self._finish(b"".join(self.conn.data_to_send()), sent.code, sent.reason)

    def refuse(self, error: SessionMoodError) -> None:
        """Say why, then close, whatever the app is doing."""
        if self.close_sent:
            return
        self._tcp.counters.refuse("wire", error.code)
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
        self._tcp.move(self, "closing")
        self.forget_unread()
        self.message_since = None
        self.stop_keepalive()
        self.read_paused = False
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_WITHIN, self.transport.abort)

    def look_after(self, now: float) -> bool:
        """End when a message takes too long; `now`: the loop's time. True while one is coming in."""
        since = self.message_since
        if since is not None and now - since > self._message_within and not self.close_sent:
            self.refuse(TooSlow(f"a message may take {self._message_within:g} s to arrive"))
        return self.message_since is not None

    def schedule_ping(self) -> None:
        """Without a timer for each socket."""
        if self.ping_interval is not None:
            self._tcp.keepalive.ask_in(max(0.0, self.ping_interval - self.last_ping_rtt), self)

    def stop_keepalive(self) -> None:
        self._tcp.keepalive.forget(self)
        super().stop_keepalive()

    def send_keepalive_ping(self) -> None:
        """Only where nothing came for a whole interval: the contract's own ping keeps most peers talking, and at many
        idle sockets a second one is what they cost most."""
        if self._heard and not self.close_sent:
            self._heard = False
            self.schedule_ping()
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_if_unread()

    def shutdown(self) -> None:
        """The server stops. What goes wrong with one connection must not keep it from that."""
        try:
            super().shutdown()
        except Exception:
            logger.exception("a WebSocket could not be closed in good order")
            self.transport.abort()
        self._abort_if_unread()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end_soon()

    def abort(self) -> None:
        """Cut the line."""
        self.transport.abort()

    def _take_close(self, code: int, data: bytes) -> None:
        """What `handle_close` and the parser do with a whole close frame that has a `code` and no reason, before anything
        was closed."""
        if not self.transport.is_closing():
            self.conn.state = CLOSING
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
            self.transport.write(bytes((0x88, len(data))) + data)
            self.transport.close()
        self._end_soon()

    def _abort_if_unread(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _end_soon(self) -> None:
        """A transport that closes waits for its peer to read, for ever if need be. Not here."""
        closing = self.transport.is_closing()
        if closing and not self.transport.get_write_buffer_size():
            return  # it closes with the turn of the loop
        if not self.disconnected and (self.close_sent or closing):
            self.loop.call_later(CLOSE_WITHIN, self.transport.abort)
