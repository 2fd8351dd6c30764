"""Bodies of requests: an event, an array of them, an envelope."""

from typing import Final

import msgspec

from app.errors import BadBatch, BadBody, TooLarge
from app.protocol.batches import (
    Batch,
    Limits,
    WireEvent,
    bare_event,
    check_events,
    decode_events,
    decode_raw_list,
    guarded,
    typed_events,
)
from app.protocol.fields import Count, Producer, Reports, Secret, Seq, Time, whole_numbers
from app.protocol.malformed import reason, refusal

#: What some programs put before UTF-8; a reader may pass over it (RFC 8259, 8.1).
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Envelope(msgspec.Struct, kw_only=True):
    """Events over REST with who sends them: `producer` and `seq`, and for a beacon `key` and `token`."""

    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    producer: Producer | None = None
    seq: Seq | None = None
    lost: Count = 0
    reports: Reports | None = None
    now: Time | None = None
    key: Secret | None = None
    token: Secret | None = None


_decode_envelope = msgspec.json.Decoder(Envelope).decode


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
        guarded(msgspec.json.decode, body)
        raise BadBody("the body must be an event, an array of events, or an object with `events`")
    try:
        envelope = _decode_envelope(body)
    except msgspec.ValidationError as error:
        raise BadBody(reason(error)) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise refusal(body, error) from None
    seq, lost = whole_numbers(envelope.seq, envelope.lost)
    raws = envelope.events
    events = bare_event(body) if isinstance(raws, msgspec.UnsetType) else typed_events(raws, limits)
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
        events = decode_events(body)
        check_events(events, limits)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return typed_events(guarded(decode_raw_list, body), limits)
    return events
