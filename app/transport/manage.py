"""The REST door's calls for secret keys: sessions listed, read, erased, tokens minted."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import protocol
from app.auth import check_origin
from app.config import MAX_TOKEN_TTL
from app.errors import BadBody, BadRequest, NotFound, SessionMoodError, Unsupported
from app.mood import MOODS
from app.storage import Key, MoodChange, SessionRow
from app.transport import Doors, bearer, check_session_id
from app.transport.answers import cors, preflight, read_body, refuse, text

#: A session counts as active for so long after its last event (ms).
ACTIVE_MS = 300_000
#: The largest body any of these calls takes.
MAX_BODY = 16_384

T = TypeVar("T")
Handler = Callable[[Request, Key], Awaitable[Response]]


def secret_route(doors: Doors, path: str, **handlers: Handler) -> Route:
    """A route that wants a secret key; `handlers` by method."""

    async def endpoint(request: Request) -> Response:
        headers = dict(request.scope["headers"])
        key = doors.access.secret_key(bearer(headers))
        origin = text(headers, b"origin")
        if origin is not None:
            check_origin(key, origin)
        if "id" in request.path_params:
            check_session_id(request.path_params["id"])
        answer = await handlers["GET" if request.method == "HEAD" else request.method](request, key)
        for name, value in cors(headers):
            answer.headers[name.decode()] = value.decode("latin-1")
        return answer

    async def endpoint_or_preflight(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _Preflight(doors)
        return await endpoint(request)

    return Route(path, endpoint_or_preflight, methods=[*handlers, "OPTIONS"])


class _Preflight(Response):
    """The answer to a browser that asks what it may send."""

    def __init__(self, doors: Doors) -> None:
        super().__init__(status_code=204)
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await preflight(self._doors, dict(scope["headers"]), send)


class Problem(Response):
    """The answer to a request that is refused."""

    def __init__(self, doors: Doors, error: SessionMoodError) -> None:
        super().__init__(status_code=error.status)
        self._doors = doors
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await refuse(self._doors, scope, send, self._error)


class TokenRequest(msgspec.Struct):
    """`ttl`: seconds the token is good for; the server's setting where it is absent."""

    ttl: Annotated[float, msgspec.Meta(ge=1, le=MAX_TOKEN_TTL)] | None = None


class Manage:
    """Everything under /v1 that wants a secret key."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def routes(self) -> list[Route]:
        return [
            secret_route(self._doors, "/v1/sessions", GET=self._list),
            secret_route(self._doors, "/v1/sessions/{id}", GET=self._one, DELETE=self._erase),
            secret_route(self._doors, "/v1/sessions/{id}/timeline", GET=self._timeline),
            secret_route(self._doors, "/v1/sessions/{id}/token", POST=self._token),
        ]

    async def _list(self, request: Request, key: Key) -> Response:
        query = request.query_params
        mood = query.get("mood")
        if mood is not None and mood not in MOODS:
            raise BadRequest(f"`mood` is {mood[:40]!r}, not one of {', '.join(MOODS)}")
        now = self._doors.clock()
        active, border = _flag(query.get("active")), now - ACTIVE_MS
        page = await self._doors.store.sessions(
            key.project,
            mood=mood,
            active_since=border if active is True else None,
            quiet_since=border if active is False else None,
            page=query.get("page"),
            cursor=query.get("cursor"),
            limit=_whole("limit", query.get("limit", "50"), 1, 500),
        )
        return json_answer(
            {
                "sessions": [_row(self._doors.ingest.current(row), now) for row in page.sessions],
                "cursor": page.cursor,
            }
        )

    async def _one(self, request: Request, key: Key) -> Response:
        doors = self._doors
        id = request.path_params["id"]
        session = await doors.ingest.find(key.project, id)
        if session is None or session.event_count == 0:
            raise NotFound("no session of this id has sent an event")
        now = doors.clock()
        reading = doors.ingest.reading(session, now)
        return json_answer(
            {
                "session": id,
                "created_at": session.created_at,
                "last_at": session.last_at,
                "active": session.last_at >= now - ACTIVE_MS,
                "connected": bool(session.subscribers),
                "page": session.page,
                "mood": None if reading is None else protocol.reading_dict(reading, session.offer),
            }
        )

    async def _timeline(self, request: Request, key: Key) -> Response:
        store, id = self._doors.store, request.path_params["id"]
        after = _whole("after", request.query_params.get("after", "0"), 0, 2**53)
        limit = _whole("limit", request.query_params.get("limit", "200"), 1, 1000)
        if await store.row(key.project, id) is None:
            raise NotFound("no session of this id has sent an event")
        changes = await store.changes(key.project, id)
        batches = await store.batches(key.project, id, after=after, limit=limit)
        events = [
            {
                "producer": batch.producer,
                "seq": _seq(batch.first_seq, i),
                **_event(event),
            }
            for batch in batches
            for i, event in enumerate(protocol.decode_log(batch.events))
        ]
        more = batches[-1].version if len(batches) == limit else None
        return json_answer({"changes": [_change(c) for c in changes], "events": events, "after": more})

    async def _erase(self, request: Request, key: Key) -> Response:
        if not await self._doors.erase(key.project, request.path_params["id"]):
            raise NotFound("there is no session of this id")
        return Response(status_code=204)

    async def _token(self, request: Request, key: Key) -> Response:
        wanted = await decoded(request, TokenRequest, TokenRequest())
        access, id = self._doors.access, request.path_params["id"]
        token = access.issue_token(key.project, id, wanted.ttl)
        expires = self._doors.clock() + int((wanted.ttl or access.token_ttl) * 1000)
        return json_answer({"token": token, "session": id, "expires_at": expires})


async def decoded(request: Request, kind: type[T], default: T | None = None) -> T:
    """The body of a small call as a `kind`; `default` for an empty one. Raises BadRequest, BadBody, TooLarge."""
    headers = dict(request.scope["headers"])
    body = await read_body(request.receive, headers, MAX_BODY)
    if default is not None and not body.strip():
        return default
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media not in (b"", b"application/json"):
        raise Unsupported("the body must be application/json")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise BadBody(str(error)[:300]) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadRequest(f"not JSON: {error}"[:300]) from None


def json_answer(value: object, status: int = 200) -> Response:
    return Response(
        protocol.encode(value), status, {"cache-control": "no-store"}, media_type="application/json"
    )


def _row(row: SessionRow, now: int) -> dict[str, object]:
    return {
        "session": row.session,
        "mood": row.mood or None,
        "confidence": round(row.confidence, 4),
        "suggested_action": row.suggested_action or None,
        "event_count": row.event_count,
        "page": row.page,
        "created_at": row.created_at,
        "last_at": row.last_at,
        "active": row.last_at >= now - ACTIVE_MS,
    }


def _change(change: MoodChange) -> dict[str, object]:
    fields = {name: getattr(change, name) for name in change.__struct_fields__}
    return fields | {"confidence": round(change.confidence, 4)}


def _event(event: protocol.WireEvent) -> dict[str, object]:
    """An event of the log; with a session's first click on an element also what is usual for it, where it is known."""
    fields: dict[str, object] = msgspec.to_builtins(event)
    fields["at"] = int(event.at or 0)
    if fields.pop("~usual", None) is not None and event.usual is not None:
        visitors, _, answered, wait, in_a_row = event.usual
        fields["usual"] = {
            "visitors": visitors,
            "answered": answered,
            "wait_ms": int(wait),
            "clicks_in_a_row": in_a_row,
        }
    return fields


def _seq(first: int | None, index: int) -> int | None:
    return None if first is None else first + index


def _flag(text: str | None) -> bool | None:
    if text is None:
        return None
    if text in ("0", "false"):
        return False
    if text in ("1", "true", ""):
        return True
    raise BadRequest(f"`active` is {text[:20]!r}, not true or false")


def _whole(name: str, text: str, low: int, high: int) -> int:
    if re.fullmatch(r"[0-9]{1,18}", text) is None or not low <= int(text) <= high:
        raise BadRequest(f"`{name}` is {text[:20]!r}, not a whole number from {low} to {high}")
    return int(text)
