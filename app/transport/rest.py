"""The REST door's two hot calls as plain ASGI: POST events, GET mood. The rest is in `manage`.

Starlette's routing, Request and Response would cost more than everything else these calls do.
"""

import asyncio
import re
from typing import Final
from urllib.parse import parse_qs

from app import protocol
from app.auth.keys import PUBLISHABLE
from app.auth.origins import check_origin
from app.errors import BadRequest, Draining, MethodNotAllowed, NotFound, Unsupported
from app.ingest import MAX_FOLD_EVENTS
from app.mood import Offer, Reading
from app.protocol.batches import Batch
from app.storage import Key
from app.transport import Doors, bearer, check_session_id, until_durable
from app.transport.answers import (
    JSON,
    ClientLeft,
    Message,
    Receive,
    Send,
    Spare,
    address_of,
    cors,
    preflight,
    read_body,
    refuse,
    reply,
    reply_json,
    text,
)
from app.transport.connections import Waiter
from app.transport.posted import Posted, Waiting, WholeRequest, told

#: Seconds a `wait` may hold a request.
MAX_WAIT: Final = 60.0
#: The same while the server is about to stop.
LEAVING_WAIT: Final = 1.0
#: What any body may have that brings its key along: browsers send no beacon above that. Larger ones share.
BEACON_BYTES: Final = 65_536
SHARED_BYTES: Final = 16 * 1024 * 1024
_NUMBER: Final = re.compile(rb"[0-9]{1,18}")
_TYPES: Final = (b"", b"application/json", b"text/plain")


class Rest:
    """`POST /v1/sessions/{id}/events` and `GET /v1/sessions/{id}/mood`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._spare = Spare(BEACON_BYTES, SHARED_BYTES)

    async def handle(self, scope: Message, receive: Receive, send: Send, session_id: str, call: str) -> None:
        """Answer one request. `call`: "events" or "mood"."""
        headers = dict(scope["headers"])
        method = scope["method"]
        if method == "OPTIONS":
            await preflight(self._doors, headers, send)
            return
        try:
            check_session_id(session_id)
            if call == "events" and method == "POST":
                await self._events(scope, receive, send, session_id, headers)
            elif call == "mood" and method in ("GET", "HEAD"):
                await self._mood(scope, receive, send, session_id, headers)
            else:
                allow = "POST" if call == "events" else "GET"
                raise MethodNotAllowed(f"this address takes {allow}", allow=allow)
        except ClientLeft:
            pass
        except asyncio.CancelledError:
            # the server stops, and this request took too long to be waited for
            await refuse(self._doors, scope, send, Draining(retry_ms=1000))
        except Exception as error:
            await refuse(self._doors, scope, send, told(error, session_id))

    async def _events(
        self, scope: Message, receive: Receive, send: Send, session_id: str, headers: dict[bytes, bytes]
    ) -> None:
        doors = self._doors
        key = self._key(headers)
        spare = None if key is not None else self._spare
        body = await read_body(receive, headers, doors.limits.bytes, spare)
        now = doors.clock()
        key, batch, token = self._understood(headers, key, body)
        address = address_of(scope)
        entrance = await doors.enter(key, session_id, token, now, create=True, producer=batch.producer)
        assert entrance is not None
        session, proposed = entrance.session, entrance.session.proposed
        drawn = doors.rates.take(key, session, address, len(batch.events), now)
        session = await doors.begin(session, batch, key, address, now)
        if proposed and not session.proposed:
            doors.rates.take_session(key, session, len(batch.events), now, drawn)
        receipt = await doors.ingest.receive_in_parts(session, batch, now)
        entrance = entrance._replace(session=session)
        posted = Posted(doors, headers, key, token, entrance, drawn, receipt, now)
        await until_durable(receipt.durable, doors.durable_within)
        body, lines = posted.answer()
        await reply_json(scope, send, body, lines)

    def take(self, request: WholeRequest, session_id: str) -> bool:
        """Answer a POST of events that is here whole, from one who need not be waited for: its session is in memory, and
        only the disk has to be heard. False, with nothing done, for all others, which are for `handle`."""
        try:
            return self._take(request, session_id)
        except Exception as error:
            request.refuse(told(error, session_id))
            return True

    def _take(self, request: WholeRequest, session_id: str) -> bool:
        doors, headers = self._doors, dict(request.scope["headers"])
        check_session_id(session_id)
        key = self._key(headers)
        now = doors.clock()
        key, batch, token = self._understood(headers, key, request.body)
        if len(batch.events) > MAX_FOLD_EVENTS:
            return False
        entrance = doors.enter_at_once(key, session_id, token, batch.producer)
        if entrance is None:
            return False
        session = entrance.session
        drawn = doors.rates.take(key, session, address_of(request.scope), len(batch.events), now)
        receipt = doors.ingest.receive(session, batch, now)
        Waiting(request, Posted(doors, headers, key, token, entrance, drawn, receipt, now))
        return True

    def _key(self, headers: dict[bytes, bytes]) -> Key | None:
        """The key in the headers of a POST; None where the body has to bring it. Raises Unsupported for bodies that
        are not read, BadKey, Revoked."""
        media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media not in _TYPES:
            raise Unsupported(
                "the body must be JSON: send the header `content-type: application/json`, or text/plain for a beacon"
            )
        if headers.get(b"content-encoding", b"identity").lower() not in (b"", b"identity"):
            raise Unsupported("the body must come without a content-encoding")
        presented = bearer(headers)
        return None if presented is None else self._doors.access.key(presented)

    def _understood(
        self, headers: dict[bytes, bytes], key: Key | None, body: bytes
    ) -> tuple[Key, Batch, str | None]:
        """Who posts what with which token. Raises what `decode_body` raises, BadKey, Revoked, BadOrigin."""
        access = self._doors.access
        batch = protocol.decode_body(body, self._doors.limits)
        if key is None:
            key = access.key(batch.key)
        else:
            access.check_alive(key)  # the body may have taken long
        check_origin(key, text(headers, b"origin"))
        return key, batch, text(headers, b"x-session-token") or batch.token

    async def _mood(
        self, scope: Message, receive: Receive, send: Send, session_id: str, headers: dict[bytes, bytes]
    ) -> None:
        doors = self._doors
        key = doors.access.key(bearer(headers))
        origin = text(headers, b"origin")
        if origin is not None:  # a page of the same origin sends none with GET
            check_origin(key, origin)
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        wait = _seconds(query.get("wait", ["0"])[0])
        token = text(headers, b"x-session-token")
        now = doors.clock()
        entrance = await doors.enter(key, session_id, token, now, create=False)
        if entrance is not None and key.kind == PUBLISHABLE:
            doors.rates.take(key, entrance.session, address_of(scope), 1, now)
        if entrance is not None:
            await doors.ingest.freshen(entrance.session)
            now = doors.clock()
            if entrance.session.erased:  # on another node: another may stand under its id by now
                entrance = await doors.enter(key, session_id, token, now, create=False)
        reading = None if entrance is None else doors.ingest.reading(entrance.session, now)
        if entrance is None or reading is None:
            raise NotFound("no session of this id has sent an event")
        session = entrance.session
        known = _known(headers.get(b"if-none-match"), reading)
        if known is not None and known[1] < doors.store.epoch.began_at:
            known = None  # seen before a restore
        if wait and not _news(reading, session.offer, known, waiting=True):
            waiter = Waiter(key, session)
            reading = await self._wait(waiter, reading, receive, wait)
        ended_at = doors.ended_at(session.last_at, doors.clock())
        ending = None if ended_at is None else session.ending()
        if ending is None:
            fields = protocol.reading_dict(reading, session.offer)
            tag = etag(reading)
            same = known is not None and not _news(reading, session.offer, known, waiting=False)
        else:
            fields = protocol.reading_dict(ending) | {"ended_at": ended_at}
            tag = etag(ending, ended=True)
            same = _has(headers.get(b"if-none-match"), tag)
        if (stale_since := doors.stale_since()) is not None:
            fields["stale_since"] = stale_since
        lines = [(b"etag", tag), (b"cache-control", b"no-cache"), *cors(headers)]
        if same:
            await reply(send, 304, b"", lines)
            return
        await reply(send, 200, protocol.encode(fields), [JSON, *lines])

    async def _wait(self, waiter: Waiter, reading: Reading, receive: Receive, seconds: float) -> Reading:
        """Hold until the mood changes, help is due, the client leaves or the time is over. Raises what ends the
        wait early: Revoked, NotFound (erased), TooManyConnections."""
        connections = self._doors.connections
        if self._doors.leaving:
            seconds = min(seconds, LEAVING_WAIT)
        left = asyncio.ensure_future(_until_left(receive))
        news = asyncio.ensure_future(waiter.changed.wait())
        try:
            connections.add_waiter(waiter)
            await asyncio.wait([left, news], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not news.done():
                raise ClientLeft
        finally:
            left.cancel()
            news.cancel()
            connections.remove_waiter(waiter)
        if waiter.error is not None:
            raise waiter.error
        await self._doors.ingest.freshen(waiter.session)
        if waiter.session.erased:
            raise NotFound("this session was erased")
        return self._doors.ingest.reading(waiter.session, self._doors.clock()) or reading


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def etag(reading: Reading, *, ended: bool = False) -> bytes:
    """The position of a reading, as an entity tag; `ended`: of the one that a visit ended with."""
    return f'"{reading.event_count}.{reading.as_of}{".ended" if ended else ""}"'.encode()


def _has(tags: bytes | None, tag: bytes) -> bool:
    """Whether `If-None-Match` names `tag`, or `*`."""
    return tags is not None and any(
        each.strip().removeprefix(b"W/") in (tag, b"*") for each in tags.split(b",")
    )


def _known(tags: bytes | None, reading: Reading) -> tuple[int, int] | None:
    """The newest position in `If-None-Match`: what the client has. `*` stands for whatever there is."""
    if tags is None:
        return None
    if tags.strip() == b"*":
        return protocol.position(reading)
    return max((found for tag in tags.split(b",") if (found := _position(tag)) is not None), default=None)


def _position(tag: bytes) -> tuple[int, int] | None:
    count, dot, as_of = tag.strip().removeprefix(b"W/").strip(b'"').partition(b".")
    if dot and _NUMBER.fullmatch(count) and _NUMBER.fullmatch(as_of):
        return int(count), int(as_of)
    return None


def _news(reading: Reading, offer: Offer | None, known: tuple[int, int] | None, *, waiting: bool) -> bool:
    """Whether `reading` says anything that the client at position `known` has not seen. One that waits is
    waiting for another mood, or for help; one that asks wants new events too."""
    if known is None:
        return False
    count, as_of = known
    due = offer is not None and offer.at > as_of
    return reading.since > as_of or due or (not waiting and reading.event_count != count)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise BadRequest(f"`wait` is {text[:20]!r}, not a number of seconds from 0 to {MAX_WAIT:g}")
    return min(seconds, MAX_WAIT)
