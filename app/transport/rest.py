"""The REST door's two hot calls as plain ASGI: POST events, GET mood. The rest is in `manage`.

Starlette's routing, Request and Response would cost more than everything else these calls do.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from app import protocol
from app.auth import PUBLISHABLE, check_origin
from app.errors import (
    BadRequest,
    Draining,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    SessionMoodError,
    TooLarge,
    Unsupported,
)
from app.limits import TokenBucket
from app.mood import Offer, Reading
from app.sessions import Session
from app.storage import Key
from app.transport import Doors, bearer, check_session_id, until_durable

logger = logging.getLogger("sessionmood.rest")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

#: Seconds a `wait` may hold a request, and a POST waits for the disk before it says 503.
MAX_WAIT: Final = 60.0
#: The same while the server is about to stop.
LEAVING_WAIT: Final = 1.0
DURABLE_WITHIN: Final = 10.0
#: Sessions and keys whose event rate is remembered; past that the longest unused is forgotten.
MAX_BUCKETS: Final = 20_000
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", b"application/problem+json")
_TYPES: Final = (b"", b"application/json", b"text/plain")
_ALLOWED_HEADERS: Final = b"authorization, content-type, if-none-match, x-api-key, x-session-token"
_EXPOSED_HEADERS: Final = b"etag, retry-after, ratelimit, ratelimit-policy"


class Rest:
    """`POST /v1/sessions/{id}/events` and `GET /v1/sessions/{id}/mood`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._waiters: set[_Waiter] = set()

    async def handle(self, scope: Message, receive: Receive, send: Send, session_id: str, call: str) -> None:
        """Answer one request. `call`: "events" or "mood"."""
        headers = dict(scope["headers"])
        method = scope["method"]
        if method == "OPTIONS":
            await preflight(headers, send)
            return
        try:
            check_session_id(session_id)
            if call == "events" and method == "POST":
                await self._events(receive, send, session_id, headers)
            elif call == "mood" and method in ("GET", "HEAD"):
                await self._mood(scope, receive, send, session_id, headers)
            else:
                allow = "POST" if call == "events" else "GET"
                raise MethodNotAllowed(f"this address takes {allow}", allow=allow)
        except SessionMoodError as error:
            self._doors.on_refusal("rest", error)
            await refuse(send, error, headers)
        except ClientLeft:
            pass
        except asyncio.CancelledError:
            # The server stops, and this request took too long to be waited for.
            await refuse(send, Draining(retry_ms=1000), headers)
        except Exception:
            logger.exception("a request failed", extra={"session": session_id})
            await refuse(send, SessionMoodError("this is our fault, and is logged"), headers)

    async def _events(
        self, receive: Receive, send: Send, session_id: str, headers: dict[bytes, bytes]
    ) -> None:
        doors = self._doors
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media not in _TYPES:
            raise Unsupported("the body must be application/json, or text/plain for a beacon")
        body = await read_body(receive, headers, doors.limits.bytes)
        now = doors.clock()
        presented = bearer(headers)
        if presented is not None:
            doors.access.key(presented)
        batch = protocol.decode_body(body, doors.limits)
        key = doors.access.key(presented or batch.key)
        token = text(headers, b"x-session-token") or batch.token
        if key.kind == PUBLISHABLE:
            check_origin(key, text(headers, b"origin"))
        rate = self._check_rate(key, session_id, len(batch.events), now)
        session = await doors.enter(key, session_id, token, now, create=True)
        assert session is not None
        receipt = doors.ingest.receive(session, batch, now)
        reading = session.reading(now)
        offer = session.offer
        await until_durable(receipt.durable, DURABLE_WITHIN)
        outcome = receipt.outcome
        answer: dict[str, object] = {
            "accepted": outcome.accepted,
            "duplicates": outcome.duplicates,
            "ignored": outcome.ignored,
            "ack": outcome.ack,
            "mood": None if reading is None else protocol.reading_dict(reading, offer),
        }
        if key.kind == PUBLISHABLE:
            answer["token"] = doors.access.issue_token(key.project, session_id)
        await reply(send, 200, protocol.encode(answer), [_JSON, *cors(headers), *rate])

    async def _mood(
        self, scope: Message, receive: Receive, send: Send, session_id: str, headers: dict[bytes, bytes]
    ) -> None:
        doors = self._doors
        key = doors.access.key(bearer(headers))
        origin = text(headers, b"origin")
        if key.kind == PUBLISHABLE and origin is not None:
            check_origin(key, origin)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        wait = _seconds(query.get("wait", ["0"])[0])
        token = text(headers, b"x-session-token")
        now = doors.clock()
        session = await doors.enter(key, session_id, token, now, create=False)
        reading = None if session is None else doors.ingest.reading(session, now)
        if session is None or reading is None:
            raise NotFound("no session of this id has sent an event")
        known = _position(headers.get(b"if-none-match"))
        if wait and not _news(reading, known, waiting=True):
            reading = await self._wait(session, reading, receive, wait)
        tag = [_JSON, (b"etag", etag(reading)), (b"cache-control", b"no-cache"), *cors(headers)]
        if known is not None and not _news(reading, known, waiting=False):
            await reply(send, 304, b"", tag[1:])
            return
        body = protocol.encode(protocol.reading_dict(reading, session.offer))
        await reply(send, 200, b"" if scope["method"] == "HEAD" else body, tag)

    async def _wait(self, session: Session, reading: Reading, receive: Receive, seconds: float) -> Reading:
        """Hold until the mood changes, help is due, the client leaves or the time is over."""
        listener = _Waiter()
        if session.subscribers is None:
            session.subscribers = []
        session.subscribers.append(listener)
        self._waiters.add(listener)
        if self._doors.leaving:
            seconds = min(seconds, LEAVING_WAIT)
        left = asyncio.ensure_future(_until_left(receive))
        news = asyncio.ensure_future(listener.changed.wait())
        try:
            await asyncio.wait([left, news], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not news.done():
                raise ClientLeft
        finally:
            left.cancel()
            news.cancel()
            session.subscribers.remove(listener)
            self._waiters.discard(listener)
        return self._doors.ingest.reading(session, self._doors.clock()) or reading

    def release(self, spread: float) -> None:
        """Answer every request that is held, one after the other within `spread` seconds."""
        loop = asyncio.get_running_loop()
        for index, listener in enumerate(self._waiters):
            loop.call_later(spread * index / len(self._waiters), listener.changed.set)

    def _check_rate(self, key: Key, session_id: str, events: int, now: int) -> Headers:
        settings = self._doors.settings
        headers: Headers = []
        rates = [(("key", key.id), key.events_per_second or settings.key_events_per_second)]
        if key.kind == PUBLISHABLE:
            rates.append(((key.project, session_id), settings.session_events_per_second))
        for name, rate in rates:
            if not rate:
                continue
            bucket = self._buckets.pop(name, None) or TokenBucket(rate, rate * 10)
            self._buckets[name] = bucket
            if len(self._buckets) > MAX_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
            wait = bucket.take(events, now)
            if wait:
                raise RateLimited(f"events come too fast for this {name[0]}", retry_ms=wait)
            headers = [(b"ratelimit", f'"events";r={bucket.remaining()};t=1'.encode())]
        return headers


class _Waiter:
    """A request that is held until something changes."""

    every = False

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        self.changed.set()


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The request's body. Raises TooLarge as soon as it is over `limit` bytes."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise TooLarge(f"a batch may have {limit} bytes at most, this one has {int(length)}")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(f"a batch may have {limit} bytes at most")
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def reply(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    lines = list(headers)
    if status != 304:
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, error: SessionMoodError, headers: dict[bytes, bytes]) -> None:
    """The problem document of `error`."""
    await reply(send, error.status, protocol.encode(protocol.problem(error)), refusal_headers(error, headers))


def refusal_headers(error: SessionMoodError, headers: dict[bytes, bytes]) -> Headers:
    lines = [_PROBLEM, *cors(headers)]
    if error.retry_ms is not None:
        lines.append((b"retry-after", str(-(-error.retry_ms // 1000)).encode()))
    if error.status == 401:
        lines.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        lines.append((b"allow", str(error.extra["allow"]).encode()))
    if isinstance(error, RateLimited):
        lines.append((b"ratelimit", f'"events";r=0;t={-(-(error.retry_ms or 0) // 1000)}'.encode()))
    return lines


def cors(headers: dict[bytes, bytes]) -> Headers:
    """Lets the page read the answer; whether the origin may ask at all is checked with its key. Requests
    carry no cookies, so there is nothing to protect from other origins."""
    origin = headers.get(b"origin")
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"vary", b"Origin"),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
    ]


async def preflight(headers: dict[bytes, bytes], send: Send) -> None:
    """A browser asks what it may send; it can't show its key yet."""
    lines = [
        *cors(headers),
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-max-age", b"7200"),
    ]
    await reply(send, 204, b"", lines)


def text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def etag(reading: Reading) -> bytes:
    """The position of a reading, as an entity tag."""
    return f'"{reading.event_count}.{reading.as_of}"'.encode()


def _position(tag: bytes | None) -> tuple[int, int] | None:
    if tag is None:
        return None
    count, dot, as_of = tag.strip().removeprefix(b"W/").strip(b'"').partition(b".")
    if dot and count.isdigit() and as_of.isdigit():
        return int(count), int(as_of)
    return None


def _news(reading: Reading, known: tuple[int, int] | None, *, waiting: bool) -> bool:
    """Whether `reading` says anything that the client at position `known` has not seen. One that waits is
    waiting for another mood; one that asks wants new events too."""
    if known is None:
        return False
    count, as_of = known
    return reading.since > as_of or (not waiting and reading.event_count != count)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise BadRequest(f"`wait` is {text[:20]!r}, not a number of seconds from 0 to {MAX_WAIT:g}")
    return min(seconds, MAX_WAIT)
