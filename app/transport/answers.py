"""How the REST door answers: bodies read within limits, problems, what other origins may see."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from app import protocol
from app.auth.limits import party
from app.errors import BadOrigin, MethodNotAllowed, Overloaded, RateLimited, SessionMoodError, TooLarge
from app.transport import Doors

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON: Final = (b"content-type", b"application/json")
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
#: What no value of a header may have: it would end it.
_ENDS_A_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PROBLEM: Final = (b"content-type", b"application/problem+json")
_ALLOWED_HEADERS: Final = b"authorization, content-type, if-none-match, x-api-key, x-session-token"
_EXPOSED_HEADERS: Final = b"etag, retry-after, ratelimit, ratelimit-policy"


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


class Spare:
    """What all bodies together whose sender is not known yet may hold beyond `each` bytes: `together` bytes."""

    def __init__(self, each: int, together: int) -> None:
        self.each = each
        self.left = together

    def take(self, size: int) -> None:
        """Raises Overloaded when there is no more."""
        if size > self.left:
            raise Overloaded(
                f"too many bodies of more than {self.each} bytes at once without a key in the headers",
                retry_ms=1000,
            )
        self.left -= size


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], limit: int, spare: Spare | None = None
) -> bytes:
    """The request's body. Raises TooLarge as soon as it is over `limit` bytes, and Overloaded when `spare`,
    given for an unknown sender, has no room for it."""
    if spare is None:
        return await _read_body(receive, headers, limit, lambda size: None)
    taken = 0

    def grew(size: int) -> None:
        nonlocal taken
        more = size - spare.each - taken
        if more > 0:
            spare.take(more)
            taken += more

    try:
        return await _read_body(receive, headers, limit, grew)
    finally:
        spare.left += taken


async def _read_body(
    receive: Receive, headers: dict[bytes, bytes], limit: int, grew: Callable[[int], None]
) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 18 or int(length) > limit):
        raise TooLarge(f"a body may have {limit} bytes at most, this one has {length[:20].decode()}")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(f"a body may have {limit} bytes at most")
        grew(size)
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def reply(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Answer; the server leaves the body out where HEAD was asked, and says how long it would be."""
    lines = [*headers, NOSNIFF]
    if status not in (204, 304):
        lines.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def reply_json(scope: Message, send: Send, body: bytes, headers: Headers) -> None:
    """Answer 200 with JSON, in one go where the server can do that."""
    head = json_head(headers, len(body))
    extensions = scope.get("extensions")
    if head is None or extensions is None or "sessionmood.answer" not in extensions:
        await reply(send, 200, body, [JSON, *headers])
    else:
        await send({"type": "sessionmood.answer", "head": head, "body": body})


def json_head(headers: Headers, size: int) -> bytes | None:
    """The lines that `reply` would send before `size` bytes of JSON; None where a value in `headers` is fit for none,
    which the server answers in its own way."""
    if headers and _ENDS_A_VALUE.search(b" ".join([value for _, value in headers])):
        return None
    lines = [b"%s: %s\r\n" % line for line in headers]
    return b"%s: %s\r\n%s%s: %s\r\ncontent-length: %d" % (*JSON, b"".join(lines), *NOSNIFF, size)


async def refuse(doors: Doors, scope: Message, send: Send, error: SessionMoodError) -> None:
    """The problem document of `error`, held back from who is refused all the time."""
    doors.ingest.counters.refuse("rest", error.code)
    # what it was raised from holds the body, and would keep it for as long as the answer is held back
    error.__traceback__ = error.__cause__ = error.__context__ = None
    wait = doors.rates.refused(address_of(scope), doors.clock())
    if wait:
        await asyncio.sleep(wait)
    headers = dict(scope["headers"])
    body = protocol.encode(protocol.problem(error))
    await reply(send, error.status, body, refusal_headers(doors, error, headers))


def refusal_headers(doors: Doors, error: SessionMoodError, headers: dict[bytes, bytes]) -> Headers:
    lines = [_PROBLEM, (b"cache-control", b"no-store")]
    origin = headers.get(b"origin")
    # the key may be unknown or missing: then any origin that some key is for may read why
    if origin and not isinstance(error, BadOrigin) and doors.access.origins.known(origin.decode("latin-1")):
        lines += cors(headers)
    if error.retry_ms is not None:
        lines.append((b"retry-after", str(-(-error.retry_ms // 1000)).encode()))
    if error.status == 401:
        lines.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        lines.append((b"allow", str(error.extra["allow"]).encode()))
    if isinstance(error, RateLimited) and "limit" in error.extra:
        seconds = -(-(error.retry_ms or 0) // 1000)
        lines.append((b"ratelimit", f'"{error.extra["limit"]}";r=0;t={seconds}'.encode()))
    return lines


def cors(headers: dict[bytes, bytes]) -> Headers:
    """Lets the page of this request read the answer: for one whose key was checked. Requests carry no cookies,
    so without a key there is nothing to be had."""
    origin = headers.get(b"origin")
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"vary", b"Origin"),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
    ]


async def preflight(doors: Doors, headers: dict[bytes, bytes], send: Send) -> None:
    """A browser asks what it may send; it can't show its key yet, so any origin that some key is for may."""
    lines: Headers = [(b"vary", b"Origin")]
    origin = headers.get(b"origin")
    if origin is not None and doors.access.origins.known(origin.decode("latin-1")):
        lines = [
            *cors(headers),
            (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
            (b"access-control-allow-headers", _ALLOWED_HEADERS),
            (b"access-control-max-age", b"7200"),
        ]
    await reply(send, 204, b"", lines)


def address_of(scope: Message) -> str:
    """Whom the limits of an address are for: where the request came from (as the trusted proxy says, behind one)."""
    return party(str((scope.get("client") or ("?", 0))[0]))


def text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
