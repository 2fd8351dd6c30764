"""The WebSocket door: one reader per socket that always comes back for more."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, Final

from app import protocol
from app.errors import (
    BadBatch,
    BadRequest,
    BadToken,
    Draining,
    NoHello,
    OutOfOrder,
    OverQuota,
    RateLimited,
    SessionMoodError,
    StorageUnavailable,
    Superseded,
    TooLarge,
    WrongVersion,
)
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.receipts import Receipt
from app.protocol.batches import Batch, joined
from app.protocol.frames import SUBPROTOCOL, Hello, Ping
from app.protocol.incoming import decode_usual, run_of
from app.sessions.session import Session
from app.transport import Doors, check_session_id
from app.transport.handshake import Peer, enter_by_headers, greet, prepare
from app.transport.push_queue import FastPath
from app.transport.socket_sender import SocketSender

logger = logging.getLogger("sessionmood.websocket")

Message = MutableMapping[str, Any]
#: A hello, for which a token may be signed, counts as so many frames.
HELLO_COUNTS: Final = 10
_NACK: Final = (BadBatch, OutOfOrder, RateLimited, StorageUnavailable, TooLarge)
#: Close codes that report errors of the client which the wire found: not UTF-8, no WebSocket, too large, too fast.
_CODES_OF_THE_WIRE: Final = (1002, 1007, TooLarge.close_code, RateLimited.close_code)


class Gone(Exception):
    """The client has left."""


class Connection(SocketSender):
    """One socket, from accept to close."""

    __slots__ = ("_alarm", "_expiry", "_fast_path", "_receive", "_scope", "_send")

    def __init__(
        self,
        doors: Doors,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._fast_path: FastPath | None = (
            scope.get("extensions", {}).pop("sessionmood.fast_path", {}).get("fast_path")
        )
        super().__init__(doors, scope, send, self._fast_path)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._alarm: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        """Everything from the handshake on. Never raises for what a client does."""
        doors = self.doors
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
            if self._fast_path is not None:
                self._fast_path.on_text = self._hear
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
        now = self.doors.clock()
        try:
            self.doors.connections.add(self, now)
            if wait := self.doors.rates.handshake(self.address, now):
                await asyncio.sleep(wait)
        finally:
            # a refusal too: a browser's script sees nothing of a handshake that failed, but a close code it sees
            try:
                await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
            except OSError:
                raise Gone from None
            self._accepted = True
            # A socket lives long, and they are many: of the handshake only the address is asked for again.
            client = self._scope.get("client")
            self._scope.clear()
            self._scope["client"] = client

    async def _enter(self) -> None:
        if await enter_by_headers(self):
            return
        self._alarm = asyncio.get_running_loop().call_later(
            self.doors.settings.hello_timeout, self.fail, NoHello("no hello came in time")
        )
        hello = protocol.decode_frame(await self._next(), self.doors.limits)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not isinstance(hello, Hello):
            raise NoHello("without a key in the handshake the first frame must be a hello")
        await self._hello(hello)

    async def _hello(self, hello: Hello) -> None:
        welcome = await greet(self, hello)
        self.every = hello.every
        self._take_over()
        self._queue.forget_reading()  # the welcome holds a newer one
        self._send_frame(welcome)

    def _take_over(self) -> None:
        """A page load has one socket: an older one of it is dead, though its end has not been heard of yet."""
        peer = self.peer
        if peer is None or peer.producer is None:
            return
        for other in peer.session.subscribers or ():
            if not isinstance(other, Connection) or other is self or other.peer is None:
                continue
            if other.peer.producer == peer.producer:
                # not the one whose hello was answered first: what an old one said may have waited for the database
                (other if other.id < self.id else self).fail(Superseded())

    def expire_in(self, seconds: float | None) -> None:
        """End when the token has expired; None: never."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if seconds is not None:
            self._expiry = asyncio.get_running_loop().call_later(
                max(0.0, seconds), self.fail, BadToken("the session token has expired")
            )

    # Reading

    async def _next(self) -> str:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            if self._error is None and message.get("code") in _CODES_OF_THE_WIRE:
                self.doors.rates.penalize(self.address, self.doors.clock())
            raise Gone
        self.heard_at = self.doors.clock()
        text: str | None = message.get("text")
        if text is None:
            raise BadRequest("frames are text, one JSON object each")
        return text

    async def _read(self) -> None:
        limits = self.doors.limits
        while True:
            text = await self._next()
            if self._error is not None:
                continue
            try:
                frame = protocol.decode_frame(text, limits)
            except BadRequest as error:  # the next frame may be a better one
                if isinstance(error, TooLarge) and len(text) > limits.bytes:
                    raise
                self._charge(len(text))
                self._nack(error, error.extra.get("seq"))
                continue
            try:
                if isinstance(frame, Batch):
                    peer = self._known_peer()
                    if not peer.is_ready:
                        peer = await prepare(self, peer, frame)
                    if len(frame.events) > MAX_FOLD_EVENTS:
                        await self._take_in_parts(peer, frame, len(text))
                    else:
                        self._take(peer, frame, len(text), self.doors.clock())
                else:
                    if isinstance(frame, Hello):
                        self._charge(HELLO_COUNTS * 4096)
                        await self._hello(frame)
                    else:
                        self._charge(len(text))
                    if isinstance(frame, Ping):
                        self._send_frame(protocol.frame("pong"))
            except _NACK as error:
                if isinstance(error, OverQuota):
                    raise
                self._charge(len(text))
                self._nack(error, error.extra.get("seq"))

    def _hear(self, texts: list[str]) -> int:
        """Take batches and pongs on the fast path, while the reader waits; how many of `texts`, from the first on. What
        is left needs the reader. Batches that follow one another are folded as one."""
        if self._is_ending():
            return len(texts)
        frames = decode_usual(texts, self.doors.limits, MAX_FOLD_EVENTS)
        done = 0
        while done < len(frames):
            batches = run_of(frames, done, MAX_FOLD_EVENTS)
            peer = self.peer
            if batches and (peer is None or not peer.is_ready):
                break
            self.heard_at = now = self.doors.clock()
            if not batches:  # a pong: what idle sockets send most
                self._charge(len(texts[done]))
                done += 1
            else:
                assert peer is not None
                sizes = [len(text) for text in texts[done : done + len(batches)]]
                try:
                    self._take_joined(peer, batches, sizes, now)
                except SessionMoodError as error:
                    self.fail(error)
                except Exception:
                    logger.exception("a socket failed", extra=self.names())
                    self.fail(SessionMoodError("this is our fault, and is logged"))
                done += len(batches)
            if self._is_ending():
                return len(texts)
        return done

    def _take_joined(self, peer: Peer, batches: list[Batch], sizes: list[int], now: int) -> None:
        if len(batches) > 1:
            whole = joined(batches)
            try:
                receipt = self.doors.ingest.receive(self._admit(peer, whole, now), whole, now)
            except _NACK:
                pass  # nothing was folded: each is told for itself what can't be taken
            else:
                self._acknowledge(receipt, whole)
                return
        for batch, size in zip(batches, sizes, strict=True):
            self._take(peer, batch, size, now)

    def _take(self, peer: Peer, batch: Batch, size: int, now: int) -> None:
        try:
            receipt = self.doors.ingest.receive(self._admit(peer, batch, now), batch, now)
        except _NACK as error:
            self._turn_away(error, batch, size)
        else:
            self._acknowledge(receipt, batch)

    async def _take_in_parts(self, peer: Peer, batch: Batch, size: int) -> None:
        now = self.doors.clock()
        try:
            session = self._admit(peer, batch, now)
            self._inflight += 1
            try:
                receipt = await self.doors.ingest.receive_in_parts(session, batch, now)
            finally:
                self._inflight -= 1
        except _NACK as error:
            self._turn_away(error, batch, size)
            self._end_if_settled()
        else:
            self._acknowledge(receipt, batch)

    def _known_peer(self) -> Peer:
        assert self.peer is not None, "nobody reads before a key was shown"
        return self.peer

    def _admit(self, peer: Peer, batch: Batch, now: int) -> Session:
        """The session that `batch` goes to, if this client may send it now."""
        peer.sign(batch, now)
        if batch.producer is not None and batch.seq is None:
            raise BadBatch("`seq` is missing: the number of the first event, from 1", index=None)
        self.doors.rates.take(peer.key, peer.session, self.address, len(batch.events), now)
        if self._inflight >= self.doors.settings.max_inflight * 4:
            raise RateLimited("too many batches without an ack", retry_ms=250)
        return peer.session

    def _turn_away(self, error: SessionMoodError, batch: Batch, size: int) -> None:
        if not isinstance(error, StorageUnavailable):
            self._charge(size)
        self._nack(error, batch.seq)

    def _acknowledge(self, receipt: Receipt, batch: Batch) -> None:
        """Send the ack once the batch can't be lost."""
        self._inflight += 1
        began = time.perf_counter()
        receipt.durable.add_done_callback(
            partial(self._durable, receipt, batch.seq, len(batch.events), began)
        )

    def _durable(
        self,
        receipt: Receipt,
        first: int | None,
        count: int,
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
        self.doors.ingest.counters.acks_websocket.note(time.perf_counter() - began)
        seq = (
            receipt.outcome.ack
        )  # not before: it is less where the batch was folded again on what another node stored
        if seq is None and first is not None:
            seq = first + count - 1
        self._queue.ack(seq, receipt.outcome, last=not self._inflight)
        self._end_if_settled()

    async def _leave(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self.doors.connections.remove(self)
        self.expire_in(None)
        if self.peer is not None:
            self.doors.ingest.leave(self.peer.session, self)
        await self._queue.finish(self.doors.settings.send_timeout)
        self._fast_path = None
        self._log("a socket closed")
