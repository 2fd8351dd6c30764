"""The WebSocket door: one reader per socket that always comes back for more."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Final

from app import protocol
from app.auth.limits import TokenBucket
from app.errors import (
    BadBatch,
    BadKey,
    BadRequest,
    Draining,
    NoHello,
    OutOfOrder,
    OverQuota,
    RateLimited,
    SessionMoodError,
    StorageUnavailable,
    Superseded,
    TooLarge,
    TooSlow,
    WrongVersion,
)
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.receipts import Receipt
from app.mood import Offer, Reading
from app.protocol.batches import Batch
from app.protocol.frames import SUBPROTOCOL, Hello, Ping
from app.protocol.readings import position
from app.sessions.session import Session
from app.transport import Doors, check_session_id
from app.transport.answers import address_of
from app.transport.guest import Guest
from app.transport.outbox import Line, Outbox

logger = logging.getLogger("sessionmood.websocket")

Message = MutableMapping[str, Any]
#: Frames a second, and at once, that may be anything but a batch that is taken: hellos, pings, and what is
#: answered with a nack; a large one counts once more for each 4 KiB. Who goes on past that does not listen.
NOISE_RATE: Final = 20.0
NOISE_BURST: Final = 400.0
#: A hello, for which a token may be signed, counts for so many.
HELLO_COUNTS: Final = 10
_NACK: Final = (BadBatch, OutOfOrder, RateLimited, StorageUnavailable, TooLarge)
#: What a client has only itself to blame for, and what the line says of such an end that it made itself: not UTF-8,
#: no WebSocket, too large, too fast.
_MISUSE: Final = (BadRequest, BadKey, RateLimited)
_ENDED_BY_THE_LINE: Final = (1002, 1007, TooLarge.close_code, RateLimited.close_code)


_ids = itertools.count(1)


class Gone(Exception):
    """The client has left."""


class Connection:
    """One socket, from accept to close."""

    __slots__ = (
        "_accepted", "_after_acks", "_alarm", "_doors", "_error", "_inflight", "_line", "_noise", "_out",
        "_receive", "_scope", "_send", "address", "every", "guest", "heard_at", "id", "session_id",
    )  # fmt: skip

    def __init__(
        self,
        doors: Doors,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._doors = doors
        self._scope = scope
        self._receive = receive
        self._send = send
        self._line: Line | None = scope.get("extensions", {}).pop("sessionmood.line", {}).get("line")
        #: names the socket in the log
        self.id = next(_ids)
        self.address = address_of(scope)
        self.session_id: str = scope["session_id"]
        self.guest = Guest(doors, self, scope)
        scope["headers"] = []  # read; a socket lives long, and they may be many
        #: push the reading with every batch: asked for in `hello`, or a client that said none
        self.every = True
        self.heard_at = doors.clock()
        self._out = Outbox(send, self._line, doors.clock)
        self._accepted = False
        self._inflight = 0
        self._noise = TokenBucket(NOISE_RATE, NOISE_BURST)
        self._error: SessionMoodError | None = None
        self._after_acks = False
        self._alarm: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Everything from the handshake on. Never raises for what a client does."""
        doors = self._doors
        await self._receive()
        doors.ingest.counters.connections += 1
        self._log("a socket opened")
        offered = self._scope.get("subprotocols") or []
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
        try:
            await self._accept(chosen)
            if offered and chosen is None:
                raise WrongVersion(f"this server speaks {SUBPROTOCOL}")
            if doors.leaving:
                raise Draining(retry_ms=1000)
            check_session_id(self.session_id)
            await self._enter()
            if self._line is not None:
                self._line.on_text = self._hear
            await self._read()
        except Gone:
            pass
        except SessionMoodError as error:
            self.fail(error)
        except Exception:
            logger.exception("a socket failed", extra=self.names())
            self.fail(SessionMoodError("this is our fault, and is logged"))
        finally:
            await self._leave()

    # Coming in

    async def _accept(self, subprotocol: str | None) -> None:
        now = self._doors.clock()
        try:
            self._doors.connections.add(self, now)
            if wait := self._doors.rates.handshake(self.address, now):
                await asyncio.sleep(wait)
        finally:
            # a refusal too: a browser's script sees nothing of a handshake that failed, but a close code it sees
            try:
                await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
            except OSError:
                raise Gone from None
            self._accepted = True

    async def _enter(self) -> None:
        if await self.guest.came_with_key():
            return
        self._alarm = asyncio.get_running_loop().call_later(
            self._doors.settings.hello_timeout, self.fail, NoHello("no hello came in time")
        )
        hello = protocol.decode_frame(await self._next(), self._doors.limits)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not isinstance(hello, Hello):
            raise NoHello("without a key in the handshake the first frame must be a hello")
        await self._hello(hello)

    async def _hello(self, hello: Hello) -> None:
        welcome = await self.guest.greet(hello)
        self.every = hello.every
        self._take_over()
        self._out.forget_reading()  # the welcome holds a newer one
        self._queue(welcome)

    def _take_over(self) -> None:
        """A page load has one line: an older one of it is dead, though its end has not been heard of yet."""
        session, producer = self.guest.session, self.guest.producer
        if session is None or producer is None:
            return
        for other in session.subscribers or ():
            if isinstance(other, Connection) and other is not self and other.guest.producer == producer:
                other.fail(Superseded())

    # Reading

    async def _next(self) -> str:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            if self._error is None and message.get("code") in _ENDED_BY_THE_LINE:
                self._doors.rates.misuse(self.address, self._doors.clock())
            raise Gone
        self.heard_at = self._doors.clock()
        text: str | None = message.get("text")
        if text is None:
            raise BadRequest("frames are text, one JSON object each")
        return text

    async def _read(self) -> None:
        limits = self._doors.limits
        while True:
            text = await self._next()
            if self._error is not None:
                continue
            try:
                frame = protocol.decode_frame(text, limits)
            except BadRequest as error:  # the next frame may be a better one
                if isinstance(error, TooLarge) and len(text) > limits.bytes:
                    raise
                self._make_noise(len(text))
                self._nack(error, error.extra.get("seq"))
                continue
            try:
                if isinstance(frame, Batch):
                    if not self.guest.is_ready():
                        await self.guest.prepare(frame)
                    if len(frame.events) > MAX_FOLD_EVENTS:
                        await self._take_in_parts(frame, len(text))
                    else:
                        self._take(frame, len(text))
                else:
                    if isinstance(frame, Hello):
                        self._make_noise(HELLO_COUNTS * 4096)
                        await self._hello(frame)
                    else:
                        self._make_noise(len(text))
                    if isinstance(frame, Ping):
                        self._queue(protocol.frame("pong"))
            except _NACK as error:
                if isinstance(error, OverQuota):
                    raise
                self._make_noise(len(text))
                self._nack(error, error.extra.get("seq"))

    def _hear(self, text: str) -> bool:
        """Take a batch on the short way, while the reader waits; False for anything that needs the reader."""
        if self._error is not None:
            return True
        try:
            frame = protocol.decode_frame(text, self._doors.limits)
        except SessionMoodError:
            return False
        if not isinstance(frame, Batch) or len(frame.events) > MAX_FOLD_EVENTS or not self.guest.is_ready():
            return False
        self.heard_at = self._doors.clock()
        try:
            self._take(frame, len(text))
        except SessionMoodError as error:
            self.fail(error)
        except Exception:
            logger.exception("a socket failed", extra=self.names())
            self.fail(SessionMoodError("this is our fault, and is logged"))
        return True

    def _take(self, batch: Batch, size: int) -> None:
        now = self._doors.clock()
        try:
            receipt = self._doors.ingest.receive(self._admit(batch, now), batch, now)
        except _NACK as error:
            self._turn_away(error, batch, size)
        else:
            self._acknowledge(receipt, batch)

    async def _take_in_parts(self, batch: Batch, size: int) -> None:
        now = self._doors.clock()
        try:
            session = self._admit(batch, now)
            self._inflight += 1
            try:
                receipt = await self._doors.ingest.receive_in_parts(session, batch, now)
            finally:
                self._inflight -= 1
        except _NACK as error:
            self._turn_away(error, batch, size)
            self._end_if_settled()
        else:
            self._acknowledge(receipt, batch)

    def _admit(self, batch: Batch, now: int) -> Session:
        """The session that `batch` goes to, if this client may send it now."""
        guest = self.guest
        session, key = guest.session, guest.key
        assert session is not None
        assert key is not None
        guest.sign(batch)
        if batch.producer is not None and batch.seq is None:
            raise BadBatch("`seq` is missing: the number of the first event, from 1", index=None)
        self._doors.rates.take(key, session, self.address, len(batch.events), now)
        if self._inflight >= self._doors.settings.max_inflight * 4:
            raise RateLimited("too many batches without an ack", retry_ms=250)
        return session

    def _turn_away(self, error: SessionMoodError, batch: Batch, size: int) -> None:
        if not isinstance(error, StorageUnavailable):
            self._make_noise(size)
        self._nack(error, batch.seq)

    def _acknowledge(self, receipt: Receipt, batch: Batch) -> None:
        """Send the ack once the batch can't be lost."""
        self._inflight += 1
        seq = receipt.outcome.ack
        if seq is None and batch.seq is not None:
            seq = batch.seq + len(batch.events) - 1
        began = time.perf_counter()
        receipt.durable.add_done_callback(partial(self._durable, receipt, seq, batch.seq, began))

    def _make_noise(self, size: int) -> None:
        """A frame of `size` characters was no batch to take. Too much of that ends the socket."""
        wait = self._noise.take(1 + size // 4096, self.heard_at)
        if wait:
            self.fail(RateLimited("too many frames that are no batch to take", retry_ms=wait))

    def _durable(
        self,
        receipt: Receipt,
        seq: int | None,
        first: int | None,
        began: float,
        durable: "asyncio.Future[None]",
    ) -> None:
        self._inflight -= 1
        if durable.cancelled():
            return
        error = durable.exception()
        if error is not None:
            if isinstance(error, SessionMoodError):
                self._nack(error, first)
            self._end_if_settled()
            return
        self._doors.ingest.counters.acks_websocket.note(time.perf_counter() - began)
        self._out.ack(seq, receipt.outcome, last=not self._inflight)
        self._end_if_settled()

    # Writing

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        """Queue a reading; it replaces one that is still waiting."""
        if position(reading) >= self.guest.newest:
            counters = self._doors.ingest.counters
            counters.pushes += 1
            counters.conflated += self._out.reading(reading, offer)

    def ping(self, now: int) -> None:
        """Ask for a sign of life; `now` (ms) counts as the last word, even while the ping still waits."""
        self._out.said_at = now
        self._queue(protocol.frame("ping"))

    def drain(self, after_ms: int) -> None:
        """Ask the client to come back after `after_ms` (to another node)."""
        self._queue(protocol.frame("drain", after_ms=after_ms))

    def fail(self, error: SessionMoodError, *, after_acks: bool = False) -> None:
        """Send `error`, then close with its code: at once, or when what was folded is acked (or refused).
        Nothing more is folded. Only the first error counts."""
        if self._out.closed or not self._accepted:  # then it is looked at again once it is
            return
        if self._error is None:
            # what it was raised from holds what the client sent, and would keep it as long as the socket
            self._error = error.with_traceback(None)
            error.__cause__ = error.__context__ = None
            self._refused(error)
        self._after_acks = after_acks
        self._end_if_settled()

    def _end_if_settled(self) -> None:
        if self._error is not None and not (self._after_acks and self._inflight):
            self._out.end(self._error)

    def look_after(self, now: int, silence: int) -> None:
        """Called every second: cut off who left unread for too long what was sent; ping who was silent for `silence`
        ms (0: never). For 15,000 sockets that is a percent or two of a processor: one call, little else."""
        out = self._out
        if out.stuck(now, self._doors.settings.send_timeout):
            self.abort()
        elif silence and now - self.heard_at >= silence and now - out.said_at >= silence:
            self.ping(now)

    def abort(self) -> None:
        """Cut the line: for a client that does not read, and so can't be told anything."""
        self._refused(TooSlow())
        self._out.abort()

    def _nack(self, error: SessionMoodError, seq: object) -> None:
        self._doors.ingest.counters.nack(error.code)
        self._log("nack: %s", error.code)
        fields: dict[str, object] = {"seq": seq, "code": error.code, "detail": error.detail}
        if isinstance(error, OutOfOrder):
            fields["retry_ms"] = error.retry_ms or 0
        elif error.retry_ms is not None:
            fields["retry_ms"] = error.retry_ms
        fields.update({k: v for k, v in error.extra.items() if k != "seq" and v is not None})
        self._queue(protocol.frame("nack", **fields))

    def _queue(self, frame: bytes) -> None:
        if self._accepted and not self._out.frame(frame):
            self.fail(TooSlow())

    async def _leave(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._doors.connections.remove(self)
        self.guest.leave()
        await self._out.finish(self._doors.settings.send_timeout)
        self._line = None
        self._log("a socket closed")

    # Logging

    def _refused(self, error: SessionMoodError) -> None:
        if isinstance(error, _MISUSE):
            self._doors.rates.misuse(self.address, self._doors.clock())
        self._doors.ingest.counters.refuse("websocket", error.code)
        self._log("refused: %s", error.code)

    def _log(self, message: str, *values: object) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(message, *values, extra=self.names())

    def names(self) -> dict[str, object]:
        """What the log calls this socket."""
        return {"session": self.session_id, "connection": self.id}
