"""What the server says to one socket: readings, answers, and why it ends."""

import itertools
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from app import protocol
from app.auth.limits import TokenBucket
from app.errors import BadKey, BadRequest, OutOfOrder, RateLimited, SessionMoodError, TooSlow
from app.mood import Offer, Reading
from app.protocol.readings import position
from app.transport import Doors
from app.transport.answers import address_of
from app.transport.handshake import Credentials, Peer, credentials_of
from app.transport.push_queue import FastPath, PushQueue

logger = logging.getLogger("sessionmood.websocket")

Message = MutableMapping[str, Any]
#: Frames a second, and at once, that may be anything but a batch that is taken: hellos, pings, and what is
#: answered with a nack; a large one counts once more for each 4 KiB. Who goes on past that does not listen.
IDLE_FRAMES_A_SECOND: Final = 20.0
IDLE_FRAMES_AT_ONCE: Final = 400.0
#: Errors that the client caused, which count against its address.
_PENALIZED: Final = (BadRequest, BadKey, RateLimited)

_PING: Final = protocol.frame("ping")

_ids = itertools.count(1)


class SocketSender:
    """The half of a socket that sends. `id` names it in the log; `every`: push the reading with every batch, asked for
    in `hello`, or by a client that said none; `peer`: None until a key was shown; `counted_key`: the id of the key that
    it counts for; `heard_at`: when something last came (ms); `asked_in`: where `Silences` has it."""

    __slots__ = (
        "_accepted", "_after_acks", "_error", "_idle_frames", "_inflight", "_queue", "_told", "address", "asked_in",
        "counted_key", "credentials", "doors", "every", "heard_at", "id", "peer", "session_id",
    )  # fmt: skip

    def __init__(
        self,
        doors: Doors,
        scope: Message,
        send: Callable[[Message], Awaitable[None]],
        fast_path: FastPath | None,
    ) -> None:
        self.doors = doors
        self.id = next(_ids)
        self.address = address_of(scope)
        self.session_id: str = scope["session_id"]
        self.credentials: Credentials = credentials_of(scope)
        self.peer: Peer | None = None
        self.counted_key: str | None = None
        self.every = True
        self.heard_at = doors.clock()
        self.asked_in: int | None = None
        self._queue = PushQueue(send, fast_path, doors.clock, self.abort, doors.settings.send_timeout)
        self._accepted = False
        self._inflight = 0
        self._idle_frames: TokenBucket | None = None
        self._error: SessionMoodError | None = None
        self._after_acks = False
        self._told: tuple[float, float] = (0, 0)  # the newest position that was pushed

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        """Queue a reading; it replaces one that is still waiting."""
        peer, at = self.peer, position(reading)
        # One that waited for storage may come after a newer one.
        if peer is not None and at >= peer.newest and at >= self._told:
            self._told = at
            counters = self.doors.ingest.counters
            counters.pushes += 1
            counters.conflated += self._queue.reading(reading, offer)

    def ping(self, now: int) -> None:
        """Ask for a sign of life; `now` (ms) counts as the last word, even while the ping still waits."""
        self._queue.said_at = now
        self._send_frame(_PING)

    def drain(self, after_ms: int) -> None:
        """Ask the client to come back after `after_ms` (to another node)."""
        self._send_frame(protocol.frame("drain", after_ms=after_ms))

    def fail(self, error: SessionMoodError, *, after_acks: bool = False) -> None:
        """Send `error`, then close with its code: at once, or when what was folded is acked (or refused).
        Nothing more is folded. Only the first error counts."""
        if self._queue.closed or not self._accepted:  # then it is looked at again once it is
            return
        if self._error is None:
            # what it was raised from holds what the client sent, and would keep it as long as the socket
            self._error = error.with_traceback(None)
            error.__cause__ = error.__context__ = None
            self._refused(error)
        self._after_acks = after_acks
        self._end_if_settled()

    def _is_ending(self) -> bool:
        return self._error is not None

    def _end_if_settled(self) -> None:
        if self._error is not None and not (self._after_acks and self._inflight):
            self._queue.end(self._error)

    @property
    def silent_since(self) -> int:
        """When something last came or went (ms)."""
        return max(self.heard_at, self._queue.said_at)

    def abort(self) -> None:
        """End the connection: for a client that does not read, and so can't be told anything."""
        self._refused(TooSlow())
        self._queue.abort()

    def _nack(self, error: SessionMoodError, seq: object) -> None:
        self.doors.ingest.counters.nack(error.code)
        self._log("nack: %s", error.code)
        fields: dict[str, object] = {"seq": seq, "code": error.code, "detail": error.detail}
        if isinstance(error, OutOfOrder):
            fields["retry_ms"] = error.retry_ms or 0
        elif error.retry_ms is not None:
            fields["retry_ms"] = error.retry_ms
        fields.update({k: v for k, v in error.extra.items() if k != "seq" and v is not None})
        self._send_frame(protocol.frame("nack", **fields))

    def _send_frame(self, frame: bytes) -> None:
        if self._accepted and not self._queue.frame(frame):
            self.fail(TooSlow())

    def _charge(self, size: int) -> None:
        """A frame of `size` characters was no batch to take. Too much of that ends the socket."""
        if self._idle_frames is None:
            self._idle_frames = TokenBucket(IDLE_FRAMES_A_SECOND, IDLE_FRAMES_AT_ONCE)
        wait = self._idle_frames.take(1 + size // 4096, self.heard_at)
        if wait:
            self.fail(RateLimited("too many frames that are no batch to take", retry_ms=wait))

    def _refused(self, error: SessionMoodError) -> None:
        if isinstance(error, _PENALIZED):
            self.doors.rates.penalize(self.address, self.doors.clock())
        self.doors.ingest.counters.refuse("websocket", error.code)
        self._log("refused: %s", error.code)

    def _log(self, message: str, *values: object) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(message, *values, extra=self.names())

    def names(self) -> dict[str, object]:
        """What the log calls this socket."""
        return {"session": self.session_id, "connection": self.id}
