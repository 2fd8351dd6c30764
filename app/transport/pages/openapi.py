"""`/openapi.json`: made from the typed messages that decode the requests, and from the tree of errors."""

import re
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import __version__, protocol
from app.errors import (
    BadBatch,
    BadBody,
    BadKey,
    BadRequest,
    BadToken,
    Forbidden,
    NotFound,
    OutOfOrder,
    Overloaded,
    RateLimited,
    SessionMoodError,
    TooLarge,
    Unsupported,
)
from app.mood import MOODS
from app.sessions.history import OUTCOMES
from app.transport.api.keys import KeyRequest
from app.transport.api.manage import TokenRequest

Refusals = tuple[type[SessionMoodError], ...]
#: What any call with a secret key may be answered with.
_MANAGED: Final[Refusals] = (BadRequest, BadKey, Forbidden, RateLimited, Overloaded)
_REF: Final = "#/components/schemas/"
_NUMBER: Final = {"type": "number"}
_WHOLE: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_WHOLE_OR_NULL: Final = {"type": ["integer", "null"]}


class Call(NamedTuple):
    """One operation. `answers`: status -> schema (None: no body); `refused`: the errors it may answer with."""

    method: str
    path: str
    says: str
    answers: dict[int, object]
    refused: Refusals = ()
    body: object = None
    query: tuple[dict[str, object], ...] = ()
    open: bool = False
    types: tuple[str, ...] = ("application/json",)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF + name}


def _object(required: str, **properties: object) -> dict[str, object]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _query(name: str, says: str, **schema: object) -> dict[str, object]:
    return {"name": name, "in": "query", "description": says, "schema": schema}


def _parameter(name: str, place: str, says: str, **schema: object) -> dict[str, object]:
    return {"name": name, "in": place, "required": place == "path", "description": says, "schema": schema}


_SESSION: Final = "/v1/sessions/{id}"
CALLS: Final = (
    Call(
        "post", f"{_SESSION}/events", "Send events: one, an array, or an envelope", {200: _ref("Receipt")},
        (*_MANAGED, BadToken, BadBatch, OutOfOrder, TooLarge, Unsupported),
        {"oneOf": [_ref("WireEvent"), {"type": "array", "items": _ref("WireEvent"), "maxItems": 500},
                   _ref("Envelope")]},
        types=("application/json", "text/plain"),
    ),
    Call(
        "get", f"{_SESSION}/mood", "The reading", {200: _ref("Reading"), 304: None},
        (*_MANAGED, BadToken, NotFound),
        query=(_query("wait", "seconds to hold the request until the mood changes", type="number", minimum=0,
                      maximum=86_400),),
    ),
    Call(
        "get", "/v1/sessions", "Sessions, newest activity first", {200: _ref("Sessions")}, _MANAGED,
        query=(
            _query("mood", "in this mood when the visitor was last seen", type="string", enum=list(MOODS)),
            _query("was", "ever in this mood", type="string", enum=list(MOODS)),
            _query("offered", "whether help was offered, or what came of it", type="string",
                   enum=["true", "false", *OUTCOMES[1:]]),
            _query("from", "last active at or after this moment: ms since 1970, or a date (UTC)", type="string"),
            _query("to", "last active before this moment; a date alone stands for its end", type="string"),
            _query("active", "with an event in the last five minutes", type="boolean"),
            _query("page", "last seen on this page", type="string"),
            _query("cursor", "from the page before", type="string"),
            _query("limit", "at most so many", type="integer", minimum=1, maximum=500),
        ),
    ),
    Call("get", _SESSION, "One session", {200: _ref("Session")}, (*_MANAGED, NotFound)),
    Call("delete", _SESSION, "Erase everything of a session", {204: None}, (*_MANAGED, NotFound)),
    Call(
        "get", f"{_SESSION}/timeline", "Its mood changes and events", {200: _ref("Timeline")},
        (*_MANAGED, NotFound),
        query=(
            _query("after", "from the page before", type="integer", minimum=0, maximum=2**53),
            _query("limit", "at most so many batches", type="integer", minimum=1, maximum=1000),
        ),
    ),
    Call(
        "post", f"{_SESSION}/token", "Mint a session token", {200: _ref("Token")},
        (*_MANAGED, BadBody, TooLarge, Unsupported), _ref("TokenRequest"),
    ),
    Call("get", "/v1/keys", "The project's keys, without the keys themselves", {200: _ref("Keys")}, _MANAGED),
    Call(
        "post", "/v1/keys", "Make a key; this answer is the only one that shows it", {201: _ref("NewKey")},
        (*_MANAGED, BadBody, TooLarge, Unsupported), _ref("KeyRequest"),
    ),
    Call("delete", "/v1/keys/{key_id}", "Revoke a key", {204: None}, (*_MANAGED, NotFound)),
    Call("get", "/v1/shadow", "What a candidate model would have said", {200: {"type": "object"}},
         (*_MANAGED, NotFound)),
    Call("get", "/livez", "Whether the process runs", {200: _TEXT}, open=True),
    Call("get", "/readyz", "Whether it takes traffic", {200: _TEXT, 503: _TEXT}, open=True),
    Call("get", "/privacy", "What is kept, and for how long", {200: {"type": "object"}}, open=True),
)  # fmt: skip


def document() -> dict[str, Any]:
    """The whole description, OpenAPI 3.1."""
    paths: dict[str, dict[str, object]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SessionMood",
            "version": __version__,
            "description": "Tells an app how its user feels while using it, in time to help.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(call: Call) -> dict[str, object]:
    parameters = list(call.query)
    if "{id}" in call.path:
        pattern = f"^{protocol.SESSION_ID.pattern}$"
        parameters.append(_parameter("id", "path", "the session", type="string", pattern=pattern))
    if "{key_id}" in call.path:
        parameters.append(
            _parameter("key_id", "path", "the key's id", type="string", pattern="^key_[0-9a-f]+$")
        )
    if call.path.endswith(("/events", "/mood")):
        parameters.append(_parameter("x-session-token", "header", "for publishable keys", type="string"))
    operation: dict[str, object] = {
        "summary": call.says,
        "operationId": f"{call.method}_{re.sub('[^a-z]+', '_', call.path.removeprefix('/v1').lower()).strip('_')}",
        "parameters": parameters,
        "responses": _responses(call),
        "security": [] if call.open else [{"key": []}, {"bearer": []}],
    }
    if call.body is not None:
        operation["requestBody"] = {
            "content": {kind: {"schema": call.body} for kind in call.types},
            "required": not call.path.endswith("/token"),
        }
    return operation


def _responses(call: Call) -> dict[str, object]:
    answers: dict[str, object] = {}
    for status, schema in call.answers.items():
        kind = "text/plain" if schema is _TEXT else "application/json"
        content: dict[str, dict[str, object]] = {}
        if schema is not None:
            content["content"] = {kind: {"schema": schema}}
        if call.path == "/privacy":
            content["content"]["text/html"] = {"schema": _TEXT}
        answers[str(status)] = {"description": "done" if status < 300 else "see the body", **content}
    by_status: dict[int, list[type[SessionMoodError]]] = {}
    for error in call.refused:
        by_status.setdefault(error.status, []).append(error)
    for status, errors in sorted(by_status.items()):
        answers[str(status)] = {
            "description": "; ".join(dict.fromkeys(f"`{error.code}`: {error.title}" for error in errors)),
            "content": {"application/problem+json": {"schema": _ref("Problem")}},
        }
    return answers


def schemas() -> dict[str, Any]:
    """Every message by name, as JSON schemas."""
    _, found = msgspec.json.schema_components(
        [protocol.WireEvent, protocol.Envelope, TokenRequest, KeyRequest], ref_template=_REF + "{name}"
    )
    del found["WireEvent"]["properties"]["~usual"]  # the server's own note in the log
    # decoded one by one, so that a refusal can name the event's index
    found["Envelope"]["properties"]["events"]["items"] = _ref("WireEvent")
    return {**found, **_answers()}


def _answers() -> dict[str, object]:
    mood = {"type": "string", "enum": list(MOODS)}
    label = {
        **_TEXT,
        "description": "the word to show for the mood, where a setting or the model file says another",
    }
    mood_or_null = {"enum": [*MOODS, None]}
    outcome = {"type": "string", "enum": list(OUTCOMES[1:])}
    line = _object("signal points count text", signal=_TEXT, points=_NUMBER, count=_WHOLE, text=_TEXT)
    because = {"type": "array", "items": line}
    past = {
        "moods": {"type": "array", "items": mood}, "worst": {"anyOf": [_ref("Worst"), {"type": "null"}]},
        "help": {"anyOf": [_ref("Help"), {"type": "null"}]}, "ended_at": _WHOLE_OR_NULL,
    }  # fmt: skip
    key = {
        "id": _TEXT, "kind": {"enum": ["sk", "pk"]}, "name": _TEXT, "origins": {"type": "array", "items": _TEXT},
        "monthly_sessions": _WHOLE_OR_NULL, "events_per_second": {"type": ["number", "null"]},
        "created_at": _WHOLE, "revoked_at": _WHOLE_OR_NULL,
    }  # fmt: skip
    return {
        "Reading": _object(
            "mood confidence suggested_action signals event_count scores because since as_of",
            mood=mood, confidence={"type": "number", "minimum": 0, "maximum": 1}, suggested_action=_TEXT,
            signals={"type": "array", "items": _TEXT}, event_count=_WHOLE,
            scores={"type": "object", "additionalProperties": _NUMBER},
            because=because,
            since=_WHOLE, as_of=_WHOLE, previous=mood_or_null, label=label,
            help=_object("id holdout", id=_TEXT, holdout={"type": "boolean"}),
            ended_at={**_WHOLE, "description": "only of a visit that is over: when it was; the rest is how it ended"},
        ),
        "Worst": _object(
            "mood confidence at page event_count signals because", mood=mood, confidence=_NUMBER, at=_WHOLE,
            page=_TEXT_OR_NULL, event_count=_WHOLE, signals={"type": "array", "items": _TEXT}, because=because,
            label=label,
        ),
        "Help": _object(
            "outcome offers", outcome=outcome,
            offers={"type": "array", "items": _object("id at outcome outcome_at", id=_TEXT, at=_WHOLE, outcome=outcome,
                                                      outcome_at=_WHOLE)},
        ),
        "Receipt": _object(
            "accepted duplicates ignored", accepted=_WHOLE, duplicates=_WHOLE, ignored=_WHOLE, ack=_WHOLE_OR_NULL,
            epoch=_TEXT,
            ignored_types={"type": "array", "items": _TEXT, "description": "the types that this server does not know"},
            mood={"anyOf": [_ref("Reading"), {"type": "null"}]}, token=_TEXT,
        ),
        "SessionRow": _object(
            "session mood event_count created_at last_at active ended_at moods worst help", session=_TEXT,
            mood=mood_or_null, confidence=_NUMBER, suggested_action=_TEXT_OR_NULL, mood_at=_WHOLE_OR_NULL,
            event_count=_WHOLE, page=_TEXT_OR_NULL, created_at=_WHOLE, last_at=_WHOLE, active={"type": "boolean"},
            label=label, **past,
        ),
        "Sessions": _object(
            "sessions cursor", sessions={"type": "array", "items": _ref("SessionRow")}, cursor=_TEXT_OR_NULL
        ),
        "Session": _object(
            "session created_at last_at active connected mood ended_at last moods worst help", session=_TEXT,
            created_at=_WHOLE, last_at=_WHOLE, active={"type": "boolean"}, connected={"type": "boolean"},
            page=_TEXT_OR_NULL, mood={"anyOf": [_ref("Reading"), {"type": "null"}]},
            last=_object("mood confidence suggested_action at", mood=mood_or_null, confidence=_NUMBER,
                         suggested_action=_TEXT_OR_NULL, at=_WHOLE_OR_NULL, label=label),
            **past,
        ),
        "Timeline": _object(
            "changes events after", changes={"type": "array", "items": {"type": "object"}},
            events={"type": "array", "items": {"type": "object"}}, after=_WHOLE_OR_NULL,
        ),
        "Token": _object("token session expires_at", token=_TEXT, session=_TEXT, expires_at=_WHOLE),
        "Key": _object("id kind name origins created_at", **key),
        "NewKey": _object("id kind name origins created_at key", **key, key=_TEXT),
        "Keys": _object("keys", keys={"type": "array", "items": _ref("Key")}),
        "Problem": _object(
            "type title status detail code", type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT, code=_TEXT,
            retry_ms=_WHOLE,
        ),
    }  # fmt: skip


class OpenApi:
    """The page."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(document())

    def routes(self) -> list[Route]:
        return [Route("/openapi.json", self._show)]

    async def _show(self, request: Request) -> Response:
        headers = {"access-control-allow-origin": "*", "cache-control": "public, max-age=300"}
        return Response(self._body, headers=headers, media_type="application/json")
