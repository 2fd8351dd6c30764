"""The wire without I/O: what is taken, what is refused, and what the refusal names."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import protocol
from app.errors import BadBatch, BadRequest, Overloaded, SessionMoodError, TooLarge
from app.mood import Event, Model, MoodEngine, Offer
from app.protocol.batches import Batch, Limits, WireEvent
from app.protocol.bodies import decode_body
from app.protocol.events import to_events
from app.protocol.frames import Hello, Ping, Pong
from app.protocol.incoming import decode_frame
from app.protocol.readings import problem, reading_dict

LIMITS = Limits(events=5, bytes=10_000, inflight=4)


def body(value: Any) -> bytes:
    return msgspec.json.encode(value)


def test_one_event_an_array_and_an_envelope_are_the_same_batch() -> None:
    event = {"type": "click", "at": 5, "target": "#pay", "x": 1, "y": 2.5}
    expected = [WireEvent("click", 5, "#pay", 1, 2.5)]
    assert decode_body(body(event), LIMITS).events == expected
    assert decode_body(body([event]), LIMITS).events == expected
    envelope = decode_body(
        body({"producer": "p", "seq": 7, "events": [event], "reports": ["response"]}), LIMITS
    )
    assert (envelope.events, envelope.producer, envelope.seq) == (expected, "p", 7)
    assert envelope.reports == ["response"]


def test_only_the_type_is_required() -> None:
    assert decode_body(b'{"type": "click"}', LIMITS).events == [WireEvent("click")]


def test_unknown_types_and_fields_are_kept_out_of_trouble() -> None:
    batch = decode_body(b'{"type": "hologram", "depth": {"a": [1]}}', LIMITS)
    assert batch.events == [WireEvent("hologram")]


@pytest.mark.parametrize(
    ("bad", "index", "reason"),
    [
        ({"type": 5}, 1, "type"),
        ({}, 1, "type"),
        ({"type": ""}, 1, "type"),
        ({"type": "click", "x": "left"}, 1, "x"),
        ({"type": "click", "target": "t" * 201}, 1, "target"),
        ({"type": "scroll", "value": 101}, 1, "from 0 to 100"),
        ({"type": "scroll", "value": -1}, 1, "from 0 to 100"),
        ({"type": "response", "value": -5}, 1, "value"),
        ({"type": "feedback", "value": 2}, 1, "from 0 to 1"),
        ({"type": "click", "at": "now"}, 1, "at"),
        ({"type": "click", "at": True}, 1, "at"),
        ("click", 1, "object"),
        (None, 1, "object"),
    ],
)
def test_a_malformed_event_refuses_the_batch_and_is_named(bad: Any, index: int, reason: str) -> None:
    events = [{"type": "click"}, bad, {"type": "click"}]
    for value in (events, {"events": events}):
        with pytest.raises(BadBatch) as refused:
            decode_body(body(value), LIMITS)
        assert refused.value.extra["index"] == index
        assert reason in refused.value.detail
    with pytest.raises(BadBatch) as refused:
        decode_frame(body({"op": "events", "seq": 3, "events": events}).decode(), LIMITS)
    assert (refused.value.extra["index"], refused.value.extra["seq"]) == (index, 3)


@pytest.mark.parametrize(
    "bad", [b"", b"{", b"nonsense", b'"click"', b"5", b"null", b"\xff\xfe", b'{"type": "\xff"}', b"[" * 5000]
)
def test_what_is_no_batch_is_a_bad_request(bad: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_body(bad, LIMITS)


def test_limits_of_events_and_bytes() -> None:
    with pytest.raises(TooLarge, match="5 events"):
        decode_body(body([{"type": "click"}] * 6), LIMITS)
    with pytest.raises(TooLarge, match="10000 bytes"):
        decode_body(b" " * 10_001, LIMITS)
    with pytest.raises(TooLarge, match="10000 bytes"):
        decode_frame('{"type": "' + "ü" * 6000 + '"}', LIMITS)


def test_a_producer_needs_a_seq() -> None:
    with pytest.raises(BadBatch, match="seq"):
        decode_body(b'{"producer": "p", "events": []}', LIMITS)


def test_frames() -> None:
    hello = decode_frame('{"op":"hello","key":"pk_1","producer":"p","now":5,"reports":["response"]}', LIMITS)
    assert hello == Hello(key="pk_1", producer="p", now=5, reports=["response"])
    assert decode_frame('{"op":"ping"}', LIMITS) == Ping()
    assert decode_frame('{"op":"pong"}', LIMITS) == Pong()
    assert decode_frame('{"type":"click"}', LIMITS) == Batch(events=[WireEvent("click")], bare=True)
    events = decode_frame('{"op":"events","seq":4,"lost":2,"events":[{"type":"click"}]}', LIMITS)
    assert isinstance(events, Batch)
    assert events.facts is not None
    assert events == Batch(events=[WireEvent("click")], facts=events.facts, seq=4, lost=2)
    assert [repr(fact) for fact in events.facts] == ["Event('click', -1)"]


@pytest.mark.parametrize(
    "bad",
    ['{"op":"nonsense"}', '{"op":5}', '{"op":null}', "[]", "5", "", '{"op":"hello","have":["a"]}',
     '{"op":"events","seq":0,"events":[]}', '{"op":"events","seq":1}', '{"op":"events","seq":"1","events":[]}'],
)  # fmt: skip
def test_what_is_no_frame_is_a_bad_request(bad: str) -> None:
    with pytest.raises(BadRequest):
        decode_frame(bad, LIMITS)


@pytest.mark.parametrize(
    ("text", "index", "where"),
    [
        ('[{"type":"click"},{"type":"custom","name":"Great \\ud83d"}]', 1, "`name` holds half a character, \\ud83d"),
        ('{"producer":"p","seq":1,"events":[{"type":"a","other":["b",{"c":"\\ude00"}]}]}', 0, "`other` holds"),
        ('[{"type":"a","other":[5,"\\ude00"]}]', 0, "`other` holds"),
        ('[{"type":"a","\\ud83d":1}]', 0, "there is half a character"),
        ('["\\ud83d"]', 0, "there is half a character"),
        ('{"type":"\\ud83d"}', 0, "`type` holds"),
        ('{"events":[{"type":"a"}],"producer":"\\ud83d"}', None, "`producer` holds"),
        ('{"events":"\\ud83d"}', 0, "`events` holds"),
    ],
)  # fmt: skip
def test_half_a_character_is_named_where_it_stands(text: str, index: int | None, where: str) -> None:
    """JSON.stringify writes so what a client has cut off."""
    with pytest.raises(SessionMoodError, match=re.escape(where)) as refused:
        decode_body(text.encode(), LIMITS)
    assert refused.value.extra.get("index") == index


def test_half_a_character_is_named_in_a_frame_with_its_number() -> None:
    with pytest.raises(BadBatch, match="`name`") as refused:
        decode_frame('{"op":"events","seq":3,"events":[{"type":"a","name":"\\ud83d"}]}', LIMITS)
    assert (refused.value.extra["index"], refused.value.extra["seq"]) == (0, 3)
    with pytest.raises(BadRequest, match="`producer` holds"):
        decode_frame('{"op":"hello","producer":"\\udc00"}', LIMITS)


@pytest.mark.parametrize("text", ['[{"type":"\\ud83d"', "[" * 5000 + '"\\ud83d"', '[{"name":"\\\\ud83d",}]'])
def test_what_is_no_json_at_all_is_said_first(text: str) -> None:
    with pytest.raises(BadRequest, match="not JSON"):
        decode_body(text.encode(), LIMITS)


def test_numbers_are_whole_however_they_are_written() -> None:
    events = b'"events":[{"type":"click"}]'
    batch = decode_body(b'{"producer":"p","seq":4.0,"lost":2.0,' + events + b"}", LIMITS)
    assert (batch.seq, batch.lost) == (4, 2)
    for field in ("seq", "lost"):
        with pytest.raises(BadRequest, match=f"`{field}` is 1.5"):
            decode_body(b'{"seq":1,"%s":1.5,%s}' % (field.encode(), events), LIMITS)


def test_a_frame_of_too_many_events_says_which_frame_it_was() -> None:
    text = body({"op": "events", "seq": 9, "events": [{"type": "click"}] * 6}).decode()
    with pytest.raises(TooLarge, match="5 events") as refused:
        decode_frame(text, LIMITS)
    assert refused.value.extra["seq"] == 9


def test_feedback_is_yes_or_no() -> None:
    with pytest.raises(BadBatch, match="must be 1 or 0"):
        decode_body(b'{"type":"feedback","value":0.5}', LIMITS)


def test_times_are_taken_to_the_nearest_ms_and_within_bounds() -> None:
    ats = [1.5, 2.5, 3.0, 1e300, -1e300]
    events = to_events([WireEvent("click", at) for at in ats])
    assert [event.at for event in events] == [2, 2, 3, 10**15, -(10**15)]


def test_a_client_says_nothing_of_what_is_usual() -> None:
    batch = decode_body(b'{"type":"click","target":"#a","~usual":[9,9,9,9,9]}', LIMITS)
    (event,) = to_events(batch.events)
    assert (event.usual, batch.events[0].usual) == (None, None)


def test_what_goes_out_has_what_there_is_to_tell_and_no_more() -> None:
    engine = MoodEngine("s", 0, Model.with_overrides({"label.engaged": "busy"}))
    engine.receive(Event("click", 0))
    reading = engine.reading(0)
    told = reading_dict(reading, Offer(5, "h1", True))
    assert (told["mood"], told["label"], told["help"]) == ("engaged", "busy", {"id": "h1", "holdout": True})
    plain = MoodEngine("s", 0)
    plain.receive(Event("click", 0))
    assert not {"label", "help"} & set(reading_dict(plain.reading(0)))
    refused = problem(Overloaded("too many", retry_ms=50))
    assert (refused["status"], refused["code"], refused["retry_ms"]) == (503, "overloaded", 50)
    assert "retry_ms" not in problem(BadRequest("no"))


def test_query_strings_never_get_in() -> None:
    batch = decode_body(
        b'[{"type":"page_view","url":"/a?token=1#x"},{"type":"page_view","url":"/b#c"}]', LIMITS
    )
    assert [event.url for event in batch.events] == ["/a", "/b"]


def test_the_log_gives_back_what_it_was_given() -> None:
    events = [WireEvent("click", 5, "#pay", 1, 2.5), WireEvent("scroll", 6, value=40)]
    assert protocol.decode_log(protocol.encode_log(events)) == events


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["type", "at", "op", "events", "seq", "x"]), inner)
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_taken_or_refused_in_words(value: Any) -> None:
    refused_in_words(decode_body, body(value))
    refused_in_words(decode_frame, body(value).decode())


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused_in_words(value: bytes) -> None:
    refused_in_words(decode_body, value)


def refused_in_words(decode: Callable[[Any, Limits], object], given_: Any) -> None:
    try:
        decode(given_, LIMITS)
    except SessionMoodError as refused:
        assert refused.detail
