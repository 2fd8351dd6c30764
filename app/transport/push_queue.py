"""What one socket is still to be sent. What can be conflated is: of several readings the newest counts, acks add up.
Everything else waits in order, up to a limit."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

from app import protocol
from app.errors import SessionMoodError
from app.mood import Offer, Reading
from app.sessions.outcome import Outcome, merged_types

#: Control frames that may wait for a client that does not read, before it is closed as too slow.
MAX_WAITING_FRAMES: Final = 256


class FastPath(Protocol):
    """The way past ASGI's queue, where the server has one (`SocketProtocol`)."""

    on_text: Callable[[list[str]], int] | None

    def ready(self) -> bool: ...

    def write(self, text: bytes) -> None: ...

    def abort(self) -> None: ...


class PushQueue:
    """Sends at the end of the loop's turn what has come together in it: at once to a client that reads, through
    a task that waits for one that does not, and calls `on_stuck` after `patience` seconds of that. `said_at`: ms, when
    something was last sent."""

    __slots__ = (
        "_ack", "_clock", "_error", "_fast_path", "_frames", "_ignored_types", "_on_stuck", "_patience", "_reading",
        "_send", "_waking", "_writer", "closed", "said_at",
    )  # fmt: skip

    def __init__(
        self,
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        fast_path: FastPath | None,
        clock: Callable[[], int],
        on_stuck: Callable[[], None],
        patience: float,
    ) -> None:
        self._send = send
        self._fast_path = fast_path
        self._clock = clock
        self._frames: list[bytes] = []
        self._reading: tuple[Reading, Offer | None] | None = None
        self._ack: list[Any] | None = None
        self._ignored_types: tuple[str, ...] = ()
        self._error: SessionMoodError | None = None
        self._waking = False
        self._writer: asyncio.Task[None] | None = None
        self._on_stuck: Callable[[], None] | None = on_stuck  # refers back, until `finish`
        self._patience = patience
        self.closed = False
        self.said_at = clock()

    def frame(self, frame: bytes) -> bool:
        """Queue a frame. False, and not queued, when too many wait already."""
        if len(self._frames) >= MAX_WAITING_FRAMES:
            return False
        self._frames.append(frame)
        self._wake()
        return True

    def reading(self, reading: Reading, offer: Offer | None) -> bool:
        """Queue a reading. True when it takes the place of one that still waited."""
        replaced = self._reading is not None
        self._reading = (reading, offer)
        self._wake()
        return replaced

    def forget_reading(self) -> None:
        """A newer one goes out another way."""
        self._reading = None

    def ack(self, seq: int | None, outcome: Outcome, last: bool) -> None:
        """Queue an ack, or add to one that still waits. After the `last` that is due it is sent at once."""
        ack = self._ack
        if ack is None:
            self._ack = [seq, outcome.accepted, outcome.duplicates, outcome.ignored]
            self._ignored_types = outcome.ignored_types
        else:
            ack[0] = seq if ack[0] is None else max(ack[0], seq or 0)
            ack[1] += outcome.accepted
            ack[2] += outcome.duplicates
            ack[3] += outcome.ignored
            if outcome.ignored_types:
                self._ignored_types = merged_types(self._ignored_types, outcome.ignored_types)
        if last:
            self._flush()
        else:
            self._wake()

    def end(self, error: SessionMoodError) -> None:
        """Send what is queued, then `error`, then close with its code."""
        self._error = error
        self._wake()

    def abort(self) -> None:
        """End the connection: for a client that does not read, and so can't be told anything."""
        self.closed = True
        if self._fast_path is not None:
            self._fast_path.abort()
        elif self._writer is not None:
            self._writer.cancel()

    async def finish(self, seconds: float) -> None:
        """Send the last of it, in so long at most; nothing more after that."""
        if self._waking:
            self._flush()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=seconds)
            if self._writer is not None:
                self._writer.cancel()
        self.closed = True
        self._fast_path = self._on_stuck = None

    def _wake(self) -> None:
        if self._writer is None and not self.closed and not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Send at once what a client that reads can take; the rest, and the end, is the writer's."""
        self._waking = False
        if self.closed or self._writer is not None:
            return
        fast_path = self._fast_path
        if fast_path is not None and fast_path.ready():
            while True:
                text = self._next()
                if text is not None:
                    fast_path.write(text)
                if not self._frames and self._reading is None and self._ack is None:
                    self.said_at = self._clock()
                    if self._error is None:
                        return
                    break
                if not fast_path.ready():
                    break
        self._writer = asyncio.ensure_future(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        late: asyncio.TimerHandle | None = None
        try:
            while (text := self._next()) is not None:
                late = loop.call_later(self._patience, self._stuck)
                await self._send({"type": "websocket.send", "text": text.decode()})
                late.cancel()
            self.said_at = self._clock()
            if self._error is not None:
                await self._close(self._error)
        except Exception:
            # the transport says in several ways that the client has left; the reader ends by itself
            self.closed = True
        finally:
            if late is not None:
                late.cancel()
            self._writer = None

    def _stuck(self) -> None:
        if self._on_stuck is not None and not self.closed:
            self._on_stuck()

    def _next(self) -> bytes | None:
        if self._frames:
            return self._frames.pop(0)
        if self._reading is not None:
            reading, offer = self._reading
            self._reading = None
            return protocol.frame("mood", **protocol.reading_dict(reading, offer))
        if self._ack is not None:
            seq, accepted, duplicates, ignored = self._ack
            self._ack = None
            more = {"ignored_types": self._ignored_types} if ignored else {}
            return protocol.frame(
                "ack", seq=seq, accepted=accepted, duplicates=duplicates, ignored=ignored, **more
            )
        return None

    async def _close(self, error: SessionMoodError) -> None:
        self.closed = True
        fields: dict[str, object] = {"code": error.code, "detail": error.detail}
        if error.retry_ms is not None:
            fields["retry_ms"] = error.retry_ms
        await self._send({"type": "websocket.send", "text": protocol.frame("error", **fields).decode()})
        await self._send({"type": "websocket.close", "code": error.close_code, "reason": error.code})
