"""Batches of events: decoded and checked, and as the log has them."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from app.errors import BadBatch, TooLarge
from app.mood import Event, Usual
from app.protocol.events import check
from app.protocol.fields import Px, Text, Value, Word
from app.protocol.malformed import reason, refusal
from app.protocol.readings import encode


class WireEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """One event as it travels and as the log keeps it. Unknown fields are passed over."""

    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: float | None = None
    target: Text | None = None
    x: Px | None = None
    y: Px | None = None
    value: Value | None = None
    kind: Word | None = None
    name: Text | None = None
    dy: Px | None = None
    url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    #: the server's own note in the log (`Event.usual`); a client's is dropped
    usual: Usual | None = msgspec.field(name="~usual", default=None)


class Batch(msgspec.Struct, kw_only=True):
    """Events that arrived together, by whichever door. `seq` names the first event in `producer`'s
    numbering, `lost` how many before it were declared lost. `bare`: one event by itself on a socket, which
    has no number. `offset` (ms) turns the client's clock into the server's when a `hello` measured it;
    a producer's is known to the session. `facts`: the same as the engine's events, where checking made them already;
    folding changes those, so who takes them leaves None."""

    events: list[WireEvent]
    facts: list[Event] | None = None
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


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches that follow one another as one."""
    first = batches[0]
    events: list[WireEvent] = []
    facts: list[Event] = []
    for batch in batches:
        events += batch.events
        facts += batch.facts or ()
    whole = len(facts) == len(events)
    return Batch(events=events, facts=facts if whole else None, seq=first.seq, lost=first.lost)


_decode_event = msgspec.json.Decoder(WireEvent).decode
decode_events = msgspec.json.Decoder(list[WireEvent]).decode
decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_T = TypeVar("_T")


class Limits(msgspec.Struct, frozen=True):
    """What a batch may hold; told to clients in `welcome`."""

    events: int
    bytes: int
    inflight: int


def bare_event(text: str | bytes) -> list[WireEvent]:
    try:
        event = _decode_event(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadBatch(f"event 0: {reason(error)}", index=0) from None
    check([event])
    return [event]


def typed_events(raws: Sequence[msgspec.Raw], limits: Limits) -> list[WireEvent]:
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


def check_events(events: list[WireEvent], limits: Limits) -> None:
    _check_count(len(events), limits)
    check(events)


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.events:
        raise TooLarge(f"a batch may have {limits.events} events at most, this one has {count}")


def guarded(decode: Callable[[Any], _T], text: str | bytes) -> _T:
    try:
        return decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise refusal(text, error) from None


#: The JSON array that the log keeps, of events with `note`d times.
encode_log: Final[Callable[[Sequence[WireEvent]], bytes]] = encode


def decode_log(blob: bytes) -> list[WireEvent]:
    """The events of a log row, as `encode_log` wrote them."""
    return decode_events(blob)
