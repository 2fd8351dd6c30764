"""The wire, sans I/O: JSON to events and frames, readings to JSON.

Decoding is typed (msgspec) and refuses whole batches: a malformed event raises BadBatch with its index and
the reason, anything that is no batch at all raises BadRequest.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from app.errors import BadBatch, BadBody, BadRequest, SessionMoodError, TooLarge
from app.malformed import reason, refusal
from app.mood import Offer, Reading, Usual
from app.wire_events import check

SUBPROTOCOL: Final = "sessionmood.v1"
SESSION_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
#: What some programs put before UTF-8; a reader may pass over it (RFC 8259, 8.1).
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_Text = Annotated[str, msgspec.Meta(max_length=200)]
_Word = Annotated[str, msgspec.Meta(max_length=64)]
_Px = Annotated[float, msgspec.Meta(ge=-1e7, le=1e7)]
_Time = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
#: Whole numbers, which some JSON writers give a fraction: 1.0. `whole` refuses any other.
_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53)] | Annotated[float, msgspec.Meta(ge=1, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)] | Annotated[float, msgspec.Meta(ge=0, le=2**53)]
_Producer = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Reports = Annotated[list[_Word], msgspec.Meta(max_length=64)]
_Secret = Annotated[str, msgspec.Meta(max_length=2048)]


class WireEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """One event as it travels and as the log keeps it. Unknown fields are passed over."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: float | None = None
    target: _Text | None = None
    x: _Px | None = None
    y: _Px | None = None
    value: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)] | None = None
    kind: _Word | None = None
    name: _Text | None = None
    dy: _Px | None = None
    url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    #: the server's own note in the log (`Event.usual`); a client's is dropped
    usual: Usual | None = msgspec.field(name="~usual", default=None)


class Batch(msgspec.Struct, kw_only=True):
    """Events that arrived together, by whichever door. `seq` names the first event in `producer`'s
    numbering, `lost` how many before it were declared lost. `bare`: one event by itself on a socket, which
    has no number. `offset` (ms) turns the client's clock into the server's when a `hello` measured it;
    a producer's is known to the session."""

    events: list[WireEvent]
    producer: str | None = None
    seq: int | None = None
    lost: int = 0
    bare: bool = False
    reports: list[str] | None = None
    now: float | None = None
    offset: int | None = None
    key: str | None = None
    token: str | None = None


def part(batch: Batch, start: int, stop: int) -> Batch:
    """The events from `start` to before `stop` as a batch; what was declared lost is lost before the first."""
    return msgspec.structs.replace(
        batch,
        events=batch.events[start:stop],
        seq=None if batch.seq is None else batch.seq + start,
        lost=0 if start else batch.lost,
    )


class Hello(msgspec.Struct, kw_only=True):
    """The first frame of a socket."""

    key: _Secret | None = None
    token: _Secret | None = None
    producer: _Producer | None = None
    now: _Time | None = None
    have: tuple[float, float] | None = None
    reports: _Reports | None = None
    every: bool = False  # push the reading after each batch, not only when the mood changes


class Ping(msgspec.Struct):
    """`ping`: answered with a pong."""


class Pong(msgspec.Struct):
    """`pong`: proof of life."""


Frame = Hello | Batch | Ping | Pong


class _Op(msgspec.Struct):
    op: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _EventsFrame(msgspec.Struct, kw_only=True):
    events: list[msgspec.Raw]
    seq: _Seq | None = None
    lost: Count = 0


class Envelope(msgspec.Struct, kw_only=True):
    """Events over REST with who sends them: `producer` and `seq`, and for a beacon `key` and `token`."""

    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    producer: _Producer | None = None
    seq: _Seq | None = None
    lost: Count = 0
    reports: _Reports | None = None
    now: _Time | None = None
    key: _Secret | None = None
    token: _Secret | None = None


class _FullFrame(msgspec.Struct, kw_only=True):
    """The hot frame decoded in one go: `events` with everything typed."""

    op: str | msgspec.UnsetType = msgspec.UNSET
    events: list[WireEvent] | msgspec.UnsetType = msgspec.UNSET
    seq: _Seq | None = None
    lost: Count = 0


_decode_full = msgspec.json.Decoder(_FullFrame).decode
_decode_op = msgspec.json.Decoder(_Op).decode
_decode_hello = msgspec.json.Decoder(Hello).decode
_decode_event = msgspec.json.Decoder(WireEvent).decode
_decode_events = msgspec.json.Decoder(list[WireEvent]).decode
_decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_T = TypeVar("_T")
_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class Limits(msgspec.Struct, frozen=True):
    """What a batch may hold; told to clients in `welcome`."""

    events: int
    bytes: int
    inflight: int


def decode_frame(text: str, limits: Limits) -> Frame:
    """One text frame of a client.

    Raises TooLarge, BadBatch (an event is malformed), or BadRequest for what is no frame of the contract.
    """
    if len(text) > limits.bytes or (len(text) * 4 > limits.bytes and len(text.encode()) > limits.bytes):
        raise TooLarge(f"a frame may have {limits.bytes} bytes at most")
    try:
        frame = _decode_full(text)
        if frame.op == "events" and frame.events is not msgspec.UNSET:
            seq, lost = _whole_numbers(frame.seq, frame.lost)
            _check_frame(frame.events, seq, limits)
            return Batch(events=frame.events, seq=seq, lost=lost)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass  # the slow path below finds out what is wrong, and where
    return _decode_other(text.removeprefix("\ufeff"), limits)


def whole(name: str, number: float) -> int:
    """`number` of the field `name`, which must be whole, however it is written. Raises BadBody."""
    if number != int(number):
        raise BadBody(f"`{name}` is {number:g}, not a whole number")
    return int(number)


def _whole_numbers(seq: float | None, lost: float) -> tuple[int | None, int]:
    return (
        seq if seq is None or type(seq) is int else whole("seq", seq),
        lost if type(lost) is int else whole("lost", lost),
    )


def _decode_other(text: str, limits: Limits) -> Frame:
    op = _guarded(_decode_op, text).op
    if op is msgspec.UNSET:
        return Batch(events=_bare_event(text), bare=True)
    name = _guarded(msgspec.json.decode, bytes(op))
    if name == "hello":
        return _guarded(_decode_hello, text)
    if name == "events":
        return _batch_of(_guarded(msgspec.json.Decoder(_EventsFrame).decode, text), limits)
    if name == "ping":
        return Ping()
    if name == "pong":
        return Pong()
    raise BadRequest(f"unknown op {str(name)[:64]!r}: a client sends hello, events, ping or pong")


def _check_frame(events: list[WireEvent], seq: int | None, limits: Limits) -> None:
    try:
        _check_events(events, limits)
    except SessionMoodError as error:
        error.extra["seq"] = seq
        raise


def _batch_of(frame: _EventsFrame, limits: Limits) -> Batch:
    seq, lost = _whole_numbers(frame.seq, frame.lost)
    try:
        events = _typed_events(frame.events, limits)
    except SessionMoodError as error:
        error.extra["seq"] = seq
        raise
    return Batch(events=events, seq=seq, lost=lost)


def decode_body(body: bytes, limits: Limits) -> Batch:
    """The body of `POST …/events`: one event, an array of events, or an envelope.

    Raises TooLarge, BadBatch, or BadRequest.
    """
    if len(body) > limits.bytes:
        raise TooLarge(f"a batch may have {limits.bytes} bytes at most")
    body = body.removeprefix(BYTE_ORDER_MARK)
    start = (body[:64].lstrip() or body.lstrip())[:1]
    if start == b"[":
        return Batch(events=_array(body, limits))
    if start != b"{":
        _guarded(msgspec.json.decode, body)
        raise BadBody("the body must be an event, an array of events, or an object with `events`")
    try:
        envelope = _decode_envelope(body)
    except msgspec.ValidationError as error:
        raise BadBody(reason(error)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise refusal(body, error) from None
    seq, lost = _whole_numbers(envelope.seq, envelope.lost)
    raws = envelope.events
    events = _bare_event(body) if isinstance(raws, msgspec.UnsetType) else _typed_events(raws, limits)
    if envelope.producer is not None and seq is None:
        raise BadBatch("`producer` needs `seq`, the number of the first event (from 1)", index=None)
    return Batch(
        events=events,
        producer=envelope.producer,
        seq=seq,
        lost=lost,
        reports=envelope.reports,
        now=envelope.now,
        key=envelope.key,
        token=envelope.token,
    )


def _array(body: bytes, limits: Limits) -> list[WireEvent]:
    try:
        events = _decode_events(body)
        _check_events(events, limits)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return _typed_events(_guarded(_decode_raw_list, body), limits)
    return events


def _bare_event(text: str | bytes) -> list[WireEvent]:
    try:
        event = _decode_event(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadBatch(f"event 0: {reason(error)}", index=0) from None
    check([event])
    return [event]


def _typed_events(raws: Sequence[msgspec.Raw], limits: Limits) -> list[WireEvent]:
    _check_count(len(raws), limits)
    events = []
    for index, raw in enumerate(raws):
        try:
            events.append(_decode_event(raw))
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            check(events)  # what is wrong first is named
            raise BadBatch(f"event {index}: {reason(error)}", index=index) from None
    check(events)
    return events


def _check_events(events: list[WireEvent], limits: Limits) -> None:
    _check_count(len(events), limits)
    check(events)


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.events:
        raise TooLarge(f"a batch may have {limits.events} events at most, this one has {count}")


def _guarded(decode: Callable[[Any], _T], text: str | bytes) -> _T:
    try:
        return decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise refusal(text, error) from None


def encode_log(events: Sequence[WireEvent]) -> bytes:
    """The JSON array that the log keeps."""
    return encode(events)


def decode_log(blob: bytes) -> list[WireEvent]:
    """The events of a log row, as `encode_log` wrote them."""
    return _decode_events(blob)


def position(reading: Reading) -> tuple[int, int]:
    """(event_count, as_of in ms): of two readings the one with the higher position is newer."""
    return reading.event_count, reading.as_of


def reading_dict(reading: Reading, offer: Offer | None = None) -> dict[str, object]:
    """A reading in the order of the contract; the original API's five fields first."""
    fields: dict[str, object] = {
        "mood": reading.mood,
        "confidence": round(reading.confidence, 4),
        "suggested_action": reading.suggested_action,
        "signals": reading.signals,
        "event_count": reading.event_count,
        "scores": reading.scores,
        "because": [
            {"signal": part.signal, "points": part.points, "count": part.count, "text": part.text}
            for part in reading.because
        ],
        "since": reading.since,
        "as_of": reading.as_of,
        "previous": reading.previous,
    }
    if reading.label != reading.mood:
        fields["label"] = reading.label
    if offer is not None:
        fields["help"] = {"id": offer.id, "holdout": offer.holdout}
    return fields


def frame(op: str, **fields: object) -> bytes:
    """A server frame."""
    return encode({"op": op, **fields})


def problem(error: SessionMoodError) -> dict[str, object]:
    """The RFC 9457 object of a refusal."""
    fields: dict[str, object] = {
        "type": f"urn:sessionmood:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.retry_ms is not None:
        fields["retry_ms"] = error.retry_ms
    fields.update({name: value for name, value in error.extra.items() if value is not None})
    return fields
