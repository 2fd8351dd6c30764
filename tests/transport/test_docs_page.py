"""`/docs`: nothing is missing, nothing is invented."""

import re

import pytest

from app.config.settings import Settings
from app.mood import EVENT_TYPES, MOODS
from app.protocol.batches import WireEvent
from app.protocol.bodies import decode_body
from app.transport.pages.docs import _SHOWN, EXAMPLE, first_answer, page, refusals
from app.transport.pages.html_parts import slug_of
from app.transport.pages.openapi import CALLS, schemas
from app.transport.pages.reference import ACTIONS, ADVICE, ANSWER_FIELDS, EVENT_FIELDS, EVENTS, READING_FIELDS
from tests.support.server import ServerProcess

DOCS = page(Settings())


def test_every_event_type_is_told_and_no_other() -> None:
    assert EVENTS.keys() == EVENT_TYPES
    for name in EVENT_TYPES:
        assert f"<code>{name}</code>" in DOCS


def test_every_field_is_told() -> None:
    assert EVENT_FIELDS.keys() == {name for name in WireEvent.__struct_fields__ if name != "usual"}
    reading = schemas()["Reading"]["properties"]
    assert READING_FIELDS.keys() == reading.keys()
    assert first_answer()["mood"].keys() <= reading.keys()
    told = {name.rpartition(".")[2] for name in ANSWER_FIELDS}
    assert told == {field for name in _SHOWN for field in schemas()[name]["properties"]}
    assert ACTIONS.keys() == set(MOODS)


def test_types_are_told_in_words() -> None:
    assert "integer or number" not in DOCS
    assert "array of strings, at most 64 characters each" in DOCS
    assert "array of string<" not in DOCS


def test_every_refusal_is_told_with_what_to_do() -> None:
    codes = {kind.code for kind in refusals()}
    assert ADVICE.keys() == codes
    for code in codes:
        assert f"<code>{code}</code>" in DOCS


def test_every_call_is_told() -> None:
    for call in CALLS:
        assert f"{call.method.upper()} {call.path}" in DOCS


def test_the_first_call_is_the_example() -> None:
    body = re.search(r"-d '(\[.*?\])'", DOCS, re.DOTALL)
    assert body is not None
    from app.protocol.batches import Limits

    assert [e.type for e in decode_body(body[1].encode(), Limits(500, 9999, 1)).events] == list(EXAMPLE)
    assert "{{" not in DOCS


@pytest.mark.parametrize("path", ["/docs", "/privacy"])
def test_links_and_anchors_lead_somewhere(server: ServerProcess, path: str) -> None:
    shown = server.get(path).text
    ids = re.findall(r'<(?:main|h[23]) id="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', shown):
        assert target in ids, target
    for target in set(re.findall(r'(?:href|src)="(/[^"#]*)"', shown)):
        # the demo is off once there is a key bound to an origin, as other tests of this server make one
        allowed = (200, 404) if target == "/demo" else (200,)
        assert server.get(target).status_code in allowed, target
    assert "/demo" in shown
    assert "SessionMood</a>" in shown


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("First call", "first-call"),
        ("GET /v1/sessions/{id}/mood", "get-v1sessionsidmood"),
        ("Fields of an event", "fields-of-an-event"),
        ("What's `kept`?", "whats-kept"),
    ],
)
def test_anchors_are_as_github_makes_them(heading: str, slug: str) -> None:
    assert slug_of(heading) == slug
