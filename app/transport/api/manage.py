"""The REST door's calls for secret keys: sessions listed, read, erased, tokens minted."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import protocol
from app.auth.origins import check_origin
from app.config.settings import MAX_TOKEN_TTL
from app.errors import BadBody, BadRequest, NotFound, SessionMoodError, Unsupported
from app.ingest.history_rows import history_row, labelled, mood_columns, told
from app.mood import MOODS, Offer, Reading
from app.protocol.malformed import reason
from app.sessions.history import OUTCOMES, wanted_traits
from app.storage import HistoryRow, Key, SessionRow, Traits
from app.transport import Doors, bearer, check_session_id
from app.transport.answers import cors, preflight, read_body, refuse, text
from app.transport.api.timeline import timeline

#: A session counts as active for so long after its last event (ms).
ACTIVE_MS = 300_000
DAY_MS = 86_400_000
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
        now = self._doors.clock()
        active, border = _flag("active", query.get("active")), now - ACTIVE_MS
        chosen = wanted_traits(
            _one_of("mood", query.get("mood"), MOODS),
            _one_of("was", query.get("was"), MOODS),
            _offered(query.get("offered")),
        )
        since, before = _moment("from", query.get("from")), _moment("to", query.get("to"), DAY_MS)
        if since is not None and before is not None and since >= before:
            raise BadRequest("`from` must be before `to`")
        page = await self._doors.store.sessions(
            key.project,
            traits=None if chosen is None else Traits(chosen[0], tuple(chosen[1])),
            active_since=border if active is True else None,
            quiet_since=border if active is False else None,
            since=since,
            before=before,
            page=query.get("page"),
            cursor=query.get("cursor"),
            limit=_whole("limit", query.get("limit", "50"), 1, 500),
        )
        rows = [
            self._row(self._doors.ingest.current(row), history, now)
            for row, history in zip(page.sessions, page.histories, strict=True)
        ]
        return json_answer({"sessions": rows, "cursor": page.cursor})

    def _row(self, row: SessionRow, history: HistoryRow | None, now: int) -> dict[str, object]:
        model = self._doors.ingest.sessions.model
        fields: dict[str, object] = {
            "session": row.session,
            "mood": row.mood or None,
            "confidence": round(row.confidence, 4),
            "suggested_action": row.suggested_action or None,
            "mood_at": row.mood_at if row.mood else None,
            "event_count": row.event_count,
            "page": row.page,
            "created_at": row.created_at,
            "last_at": row.last_at,
            "active": row.last_at >= now - ACTIVE_MS,
            "ended_at": self._doors.ended_at(row.last_at, now),
            **told(row.traits, history, model),
        }
        return labelled(fields, model)

    async def _one(self, request: Request, key: Key) -> Response:
        doors = self._doors
        id = request.path_params["id"]
        session = await doors.ingest.find(key.project, id)
        if session is not None:
            await doors.ingest.freshen(session)
            if session.erased:  # on another node: another may stand under its id by now
                session = await doors.ingest.find(key.project, id)
        if session is None or session.event_count == 0:
            raise NotFound("no session of this id has sent an event")
        now = doors.clock()
        reading = doors.ingest.reading(session, now)
        ended_at = doors.ended_at(session.last_at, now)
        ending = None if ended_at is None else session.ending()
        mood, confidence, action, mood_at, traits = mood_columns(session.history, session.model)
        last: dict[str, object] = {
            "mood": mood or None,
            "confidence": round(confidence, 4),
            "suggested_action": action or None,
            "at": mood_at if mood else None,
        }
        return json_answer(
            {
                "session": id,
                "created_at": session.created_at,
                "last_at": session.last_at,
                "active": session.last_at >= now - ACTIVE_MS,
                "ended_at": ended_at,
                "connected": bool(session.subscribers),
                "page": session.page,
                "mood": _reading(reading, session.offer) if ending is None else _reading(ending, None),
                "last": labelled(last, session.model),
                **told(traits, history_row(session.history), session.model),
            }
        )

    async def _timeline(self, request: Request, key: Key) -> Response:
        store, id = self._doors.store, request.path_params["id"]
        after = _whole("after", request.query_params.get("after", "0"), 0, 2**53)
        limit = _whole("limit", request.query_params.get("limit", "200"), 1, 1000)
        row = await store.row(key.project, id)
        if row is None or not row.version:
            raise NotFound("no session of this id has sent an event")
        changes = await store.changes(key.project, id)
        batches = await store.batches(key.project, id, after=after, limit=limit)
        more = batches[-1].version if len(batches) == limit else None
        return timeline(self._doors, key.project, id, changes, batches, more)

    async def _erase(self, request: Request, key: Key) -> Response:
        if not await self._doors.erase(key.project, request.path_params["id"]):
            raise NotFound("there is no session of this id")
        return Response(status_code=204)

    async def _token(self, request: Request, key: Key) -> Response:
        wanted = await decoded(request, TokenRequest, TokenRequest())
        access, id, now = self._doors.access, request.path_params["id"], self._doors.clock()
        token = await self._doors.mint(key.project, id, wanted.ttl, now)
        expires = now + int((wanted.ttl or access.token_ttl) * 1000)
        return json_answer({"token": token, "session": id, "expires_at": expires})


async def decoded(request: Request, kind: type[T], default: T | None = None) -> T:
    """The body of a small call as a `kind`; `default` for an empty one. Raises BadRequest, BadBody, TooLarge."""
    headers = dict(request.scope["headers"])
    body = await read_body(request.receive, headers, MAX_BODY)
    if default is not None and not body.strip():
        return default
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media not in (b"", b"application/json"):
        raise Unsupported("the body must be JSON: send the header `content-type: application/json`")
    try:
        return msgspec.json.decode(body.removeprefix(protocol.BYTE_ORDER_MARK), type=kind)
    except msgspec.ValidationError as error:
        raise BadBody(reason(error)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadRequest(reason(error)) from None


def json_answer(value: object, status: int = 200) -> Response:
    return Response(
        protocol.encode(value), status, {"cache-control": "no-store"}, media_type="application/json"
    )


def _reading(reading: Reading | None, offer: Offer | None) -> dict[str, object] | None:
    return None if reading is None else protocol.reading_dict(reading, offer)


def _flag(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text in ("0", "false"):
        return False
    if text in ("1", "true", ""):
        return True
    raise BadRequest(f"`{name}` is {text[:20]!r}, not true or false")


def _one_of(name: str, text: str | None, words: Sequence[str]) -> str | None:
    if text is not None and text not in words:
        raise BadRequest(f"`{name}` is {text[:40]!r}, not one of {', '.join(words)}")
    return text


def _offered(text: str | None) -> frozenset[str] | None:
    """Which outcomes of help are meant."""
    if text is None:
        return None
    if text in OUTCOMES[1:]:
        return frozenset({text})
    try:
        offered = _flag("offered", text)
    except BadRequest:
        raise BadRequest(f"`offered` is {text[:20]!r}, not true, false, {', '.join(OUTCOMES[1:])}") from None
    return frozenset(OUTCOMES[2:] if offered else OUTCOMES[:2])


def _moment(name: str, text: str | None, day: int = 0) -> int | None:
    """ms since the epoch, from ms or an ISO date, which is of UTC where it says nothing else. `day`: ms to add to a
    date alone."""
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(
            re.sub(r"(T.*) (?=[0-9:]+$)", r"\1+", text)
        )  # a + in a URL is a space
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        ms = -1
    if not 0 <= ms < 10**15:
        raise BadRequest(
            f"`{name}` is {text[:40]!r}, neither ms since 1970 nor a date such as 2026-11-27 or 2026-11-27T09:30:00Z"
        )
    return ms + (day if "T" not in text.upper() and " " not in text else 0)


def _whole(name: str, text: str, low: int, high: int) -> int:
    if re.fullmatch(r"[0-9]{1,18}", text) is None or not low <= int(text) <= high:
        raise BadRequest(f"`{name}` is {text[:20]!r}, not a whole number from {low} to {high}")
    return int(text)
