"""`/docs`: events, bodies, readings, calls, answers, frames and refusals, for people who write a client. What there is
comes from the code that decodes and answers; `reference` has the words for it."""

import html
import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app import protocol
from app.config.settings import Settings
from app.errors import SessionMoodError
from app.mood import DEFAULT, MOODS
from app.protocol.events import VALUE_RANGES, to_event
from app.sessions.session import Session
from app.transport.pages.html_parts import code, footer, header, slug_of, table, with_anchors, words
from app.transport.pages.openapi import CALLS, Call, schemas
from app.transport.pages.reference import (
    ACTIONS,
    ADVICE,
    ANSWER_FIELDS,
    EVENT_FIELDS,
    EVENTS,
    FRAMES,
    READING_FIELDS,
)
from app.transport.pages.static import STATIC

_PAGE: Final = STATIC / "docs.html"
#: The example of the page and of README: the original API's, sent in one batch.
EXAMPLE: Final = (
    "page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click",
)  # fmt: skip
_AT: Final = 1_764_000_000_000  # ms, of the example
#: The answers that are shown field by field, in this order.
_SHOWN: Final = (
    "Receipt", "Sessions", "SessionRow", "Session", "Worst", "Help", "Timeline", "Token", "Keys", "Key",
    "NewKey", "Problem",
)  # fmt: skip


class Docs:
    """The page."""

    def __init__(self, settings: Settings) -> None:
        self._page = page(settings)

    def routes(self) -> list[Route]:
        return [Route("/docs", self._show)]

    async def _show(self, request: Request) -> Response:
        return HTMLResponse(self._page, headers={"cache-control": "public, max-age=300"})


def page(settings: Settings) -> str:
    """The whole page, with what these settings say."""
    parts = {
        "header": header("/docs"),
        "footer": footer(),
        "answer": html.escape(folded(first_answer()), quote=False),
        "token_hours": f"{settings.token_ttl / 3600:g}",
        "max_events": f"{settings.max_batch_events:,}",
        "max_bytes": f"{settings.max_batch_bytes:,}",
        "visit_idle": _duration(settings.visit_idle),
        "events": _events(),
        "event_fields": _fields(protocol.WireEvent, EVENT_FIELDS),
        "envelope": _fields(protocol.Envelope),
        "reading": table(("Field", "Meaning"), ((code(n), words(t)) for n, t in READING_FIELDS.items())),
        "actions": _actions(),
        "calls": "\n".join(_call(call) for call in CALLS),
        "answers": _answers(),
        "frames": table(
            ("From", "Frame", "Meaning"), ((who, code(op), words(t)) for who, op, t in FRAMES), "frames"
        ),
        "hello": _fields(protocol.Hello),
        "refusals": _refusals(),
    }
    text = _PAGE.read_text()
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return with_anchors(text)


def first_answer() -> dict[str, Any]:
    """What the first call of the page answers, as the code gives it now."""
    events = [protocol.WireEvent(type) for type in EXAMPLE]
    session = Session("default", "user_123", _AT, DEFAULT, publishable=False)
    outcome = session.receive([to_event(e, 0) for e in events], None, None, 0, None, _AT)
    reading = session.reading(_AT)
    return {
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "ignored": outcome.ignored,
        "ack": outcome.ack,
        "mood": None if reading is None else protocol.reading_dict(reading, session.offer),
    }


def folded(answer: dict[str, Any]) -> str:
    """JSON in lines that can be read: one for each field of the reading and for each of its reasons. Fractions are
    cut to four places."""
    before, _, after = json.dumps(answer | {"mood": 0}).partition('"mood": 0')
    lines = [before + '"mood": {']
    for name, value in _cut(answer["mood"]).items():
        text = json.dumps(value)
        if name == "because":
            text = "[\n" + ",\n".join(f"   {json.dumps(reason)}" for reason in value) + "]"
        lines.append(f"  {json.dumps(name)}: {text},")
    return "\n".join(lines)[:-1] + "}" + after + "\n"


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"


def _events() -> str:
    rows = []
    for name, type in EVENTS.items():
        value = words(type.value)
        if name in VALUE_RANGES and name != "feedback":
            low, high = VALUE_RANGES[name]
            value += f" ({low:,.0f} to {high:,.0f})"
        kinds = " ".join(code(kind) for kind in type.kinds)
        rows.append((code(name), words(type.meaning), value, kinds, words(type.name)))
    return table(("Type", "Meaning", "value", "kind", "name"), rows, "events")


def _fields(kind: type[msgspec.Struct], told: dict[str, str] | None = None) -> str:
    """The fields of a message that is decoded, from its types."""
    _, found = msgspec.json.schema_components([kind])
    schema = found[kind.__name__]
    required = schema.get("required", ())
    told = told or _TOLD
    rows = [
        (code(name), _type(part, name in required), words(told.get(name, "")))
        for name, part in schema["properties"].items()
        if not name.startswith("~")  # the log's own
    ]
    return table(("Field", "Type", "Meaning"), rows)


_TOLD: Final = {
    "events": "The events, in the order they happened.",
    "producer": "A random id of the page load, or of your process: it numbers its own events.",
    "seq": "The number of the first event, from 1.",
    "lost": "How many events before these you had to drop.",
    "reports": "Which facts this client sends whenever they happen: `response`, `dead_click`.",
    "now": "Your clock now, ms: so the server knows how far off it is.",
    "key": "The key, where headers can't be set.",
    "token": "The session token, where headers can't be set.",
    "have": "The position (`event_count`, `as_of`) of the last reading you have: you get it again only if it is newer.",
    "every": "Send a reading after each batch, not only when something changes.",
}


def _type(schema: dict[str, Any], required: bool = False, *, answer: bool = False) -> str:
    """A JSON schema in a few words."""
    dot = ' <b class="always" title="always there">•</b>' if required else ""
    parts = schema.get("anyOf", [schema])
    options = [part for part in parts if part.get("type") != "null"]
    if [part.get("type") for part in options] == ["integer", "number"]:
        options = [{"type": "integer"}]  # 1.0 is one, too
    kind, words = schema.get("type", ""), schema.get("enum", ())
    null = answer and (len(options) < len(parts) or "null" in kind or None in words)
    return " or ".join(_one_type(part) for part in options) + (" or null" if null else "") + dot


def _one_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{slug_of(name)}">{name}</a>'
    kind = schema.get("type", "any")
    kinds = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
    if "enum" in schema:
        return " ".join(code(str(each)) for each in schema["enum"] if each is not None)
    if kinds == ["array"]:
        inner = schema.get("items") or {}
        if not inner:
            return "array of events"
        of, comma, rest = _one_type(inner).partition(",")
        return f"array of {of}{'s' if of == 'string' else ''}{comma}{rest}{' each' if comma else ''}"
    text = html.escape(" or ".join(kinds))
    if "maxLength" in schema:
        text += f", at most {schema['maxLength']:,} characters"
    return text


def _actions() -> str:
    rows = [(mood, code(DEFAULT.actions[index]), words(ACTIONS[mood])) for index, mood in enumerate(MOODS)]
    return table(("Mood", "suggested_action", "What to do"), rows)


def _answers() -> str:
    known = schemas()
    parts = []
    for name in _SHOWN:
        schema = known[name]
        rows = [
            (
                code(field),
                _type(part, field in schema.get("required", ()), answer=True),
                words(part.get("description", "")),
            )
            for field, part in schema["properties"].items()
        ]
        parts.append(f"<h3>{name}</h3>" + table(("Field", "Type", "Meaning"), rows, "answer"))
    return "\n".join(parts)


def _meaning(answer: str, field: str) -> str:
    return ANSWER_FIELDS.get(f"{answer}.{field}") or ANSWER_FIELDS.get(field, "")


def _call(call: Call) -> str:
    facts = [("Key", "none" if call.open else "needed")]
    facts += [(f"?{query['name']}", _query(query)) for query in call.query]
    if call.body is not None:
        facts.append(("Body", " or ".join(call.types)))
    facts.append(("Answers", _statuses_of(call)))
    if call.refused:
        facts.append(("Refusals", ", ".join(f"{status}" for status in _statuses(call))))
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{fact}</dd>" for name, fact in facts)
    name = f"{call.method.upper()} {html.escape(call.path)}"
    return f"<section><h3>{name}</h3><p>{html.escape(call.says)}.</p><dl>{rows}</dl></section>"


def _query(query: dict[str, Any]) -> str:
    options = query["schema"].get("enum", ())
    return html.escape(str(query["description"])) + (
        ": " + ", ".join(code(str(option)) for option in options) if options else ""
    )


def _statuses_of(call: Call) -> str:
    told = []
    for status, schema in call.answers.items():
        name = schema.get("$ref", "").rpartition("/")[2] if isinstance(schema, dict) else ""
        told.append(f'{status} <a href="#{slug_of(name)}">{name}</a>' if name else str(status))
    return ", ".join(told)


def _statuses(call: Call) -> list[int]:
    return sorted({error.status for error in call.refused})


def _refusals() -> str:
    kinds = sorted(refusals(), key=lambda kind: (kind.status, kind.close_code, kind.code))
    rows = [
        (
            code(kind.code),
            str(kind.status),
            str(kind.close_code),
            html.escape(kind.title) + ".",
            words(ADVICE.get(kind.code, "")),
        )
        for kind in {kind.code: kind for kind in reversed(kinds)}.values()
    ]
    return table(("Code", "Status", "Close", "Meaning", "What to do"), rows[::-1], "refusals")


def refusals(root: type[SessionMoodError] = SessionMoodError) -> Iterable[type[SessionMoodError]]:
    """Every refusal that a client may see: those of app.errors."""
    if root is SessionMoodError:
        yield root
    for kind in root.__subclasses__():
        if kind.__module__ == SessionMoodError.__module__:
            yield kind
            yield from refusals(kind)
