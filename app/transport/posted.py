"""A batch that came by POST and was folded: from there to its answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from app import protocol
from app.auth.keys import PUBLISHABLE
from app.auth.rates import Drawn, rate_headers
from app.errors import Draining, SessionMoodError
from app.ingest.receipts import Receipt
from app.storage import Key
from app.transport import Doors, Entrance, not_in_time
from app.transport.answers import Headers, Message, cors

logger = logging.getLogger("sessionmood.rest")


class WholeRequest(Protocol):
    """A request that has come to its last byte, which the server answers without a task. `on_cancel`: told when the
    server can't wait for the answer any longer."""

    scope: Message
    body: bytes
    on_cancel: Callable[[], None] | None

    def reply(self, body: bytes, headers: Headers) -> None:
        """Answer 200 with JSON."""

    def refuse(self, error: SessionMoodError) -> None:
        """Answer with the problem document of `error`, as any refusal."""


def told(error: Exception, session_id: str) -> SessionMoodError:
    """What to answer for `error`, now that the log was told of it."""
    if isinstance(error, SessionMoodError):
        logger.debug("refused: %s", error.code, extra={"session": session_id})
        return error
    logger.error("a request failed", exc_info=error, extra={"session": session_id})
    return SessionMoodError("this is our fault, and is logged")


class Posted:
    """What is to be answered once the batch can't be lost. `token`: as it was shown; `drawn`: of which rates."""

    __slots__ = ("_began", "_doors", "_drawn", "_entrance", "_headers", "_key", "_now", "_offer", "_reading", "_token",
                 "receipt")  # fmt: skip

    def __init__(
        self,
        doors: Doors,
        headers: dict[bytes, bytes],
        key: Key,
        token: str | None,
        entrance: Entrance,
        drawn: Drawn,
        receipt: Receipt,
        now: int,
    ) -> None:
        self._doors = doors
        self._headers = headers
        self._key = key
        self._token = token
        self._entrance = entrance
        self._drawn = drawn
        self._now = now
        self.receipt = receipt
        self._reading, self._offer = entrance.session.reading(now), entrance.session.offer
        self._began = time.perf_counter()

    @property
    def session_id(self) -> str:
        return self._entrance.session.id

    @property
    def durable_within(self) -> float:
        return self._doors.durable_within

    def answer(self) -> tuple[bytes, Headers]:
        """Body and headers, now that the batch can't be lost."""
        doors, receipt, (session, claims) = self._doors, self.receipt, self._entrance
        doors.ingest.counters.acks_rest.note(time.perf_counter() - self._began)
        reading, offer = self._reading, self._offer
        if receipt.again:  # another node had gone on with the session
            reading, offer = session.reading(self._now), session.offer
        outcome = receipt.outcome
        answer: dict[str, Any] = {
            "accepted": outcome.accepted,
            "duplicates": outcome.duplicates,
            "ignored": outcome.ignored,
            "ack": outcome.ack,
            "mood": None if reading is None else protocol.reading_dict(reading, offer),
        }
        if doors.store.epoch.began_at:
            answer["epoch"] = doors.store.epoch.name
        if outcome.ignored:
            answer["ignored_types"] = outcome.ignored_types
        if self._key.kind == PUBLISHABLE:
            answer["token"] = doors.token_for(session, self._token, claims)
        return protocol.encode(answer), [*cors(self._headers), *rate_headers(self._drawn)]


class Waiting:
    """A request whose batch is not durable yet: what `until_durable` is to a task, without one."""

    __slots__ = ("_posted", "_request", "_timer")

    def __init__(self, request: WholeRequest, posted: Posted) -> None:
        self._request: WholeRequest | None = request
        self._posted = posted
        self._timer: asyncio.TimerHandle | None = None
        durable = posted.receipt.durable
        if durable.done():
            self._durable(durable)
            return
        request.on_cancel = self._cancelled
        self._timer = asyncio.get_running_loop().call_later(posted.durable_within, self._late)
        durable.add_done_callback(self._durable)

    def _durable(self, durable: "asyncio.Future[None]") -> None:
        request = self._over()
        if request is None:
            return
        try:
            if durable.cancelled():
                raise Draining(retry_ms=1000)
            durable.result()
            body, headers = self._posted.answer()
        except Exception as error:
            request.refuse(told(error, self._posted.session_id))
        else:
            request.reply(body, headers)

    def _late(self) -> None:
        if (request := self._over()) is not None:
            request.refuse(not_in_time())

    def _cancelled(self) -> None:
        if (request := self._over()) is not None:
            request.refuse(Draining(retry_ms=1000))

    def _over(self) -> WholeRequest | None:
        """The request, the first time that this is asked: it is answered once."""
        request, self._request = self._request, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return request
