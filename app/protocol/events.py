"""Events as they travel, and as the engine takes them: checked, turned into each other.

What is done for each event, so it is compiled with the engine: 0.45 us an event instead of 1.3. The wire's own events
(`protocol.WireEvent`) are `Any` here, since machine code can't be made of their class.
"""

from typing import Any, Final

from msgspec.structs import astuple

from app.errors import BadBatch
from app.mood import Event

#: Inclusive ranges of `value` by event type, from the contract's table.
VALUE_RANGES: Final[dict[str, tuple[float, float]]] = {
    "rage_click": (1.0, 1000.0),
    "response": (0.0, 86_400_000.0),
    "scroll": (0.0, 100.0),
    "idle": (0.0, 31_536_000.0),
    "hover": (0.0, 86_400_000.0),
    "error": (0.0, 999.0),
    "feedback": (0.0, 1.0),
}
#: A client's time beyond these (ms) says nothing; it is moved to them, and mapped like any other.
_EARLIEST_MS: Final = -1e15
_LATEST_MS: Final = 1e15


#: The fields of `protocol.WireEvent`, in its order: what they are is looked at once, when the event is made.
_Fields = tuple[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]


def check(wires: list[Any]) -> None:
    """Raises BadBatch, with the index of the event, for what its type alone does not tell; queries leave its `url`."""
    for index, wire in enumerate(wires):
        value = wire.value
        if value is not None:
            _check_value(index, wire.type, value)
        url = wire.url
        if url is not None and ("?" in url or "#" in url):
            wire.url = _path_of(url)


def _check_value(index: int, type: str, value: float) -> None:
    bounds = VALUE_RANGES.get(type)
    if bounds is None:
        return
    low, high = bounds
    if not low <= value <= high:
        raise BadBatch(f"event {index}: `value` of {type} must be from {low:.0f} to {high:.0f}", index=index)
    if type == "feedback" and value not in (0.0, 1.0):
        raise BadBatch(f"event {index}: `value` of feedback must be 1 or 0", index=index)


def _path_of(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def to_event(wire: Any, reports: int) -> Event:
    """The engine's event; `at` is still the client's (rounded to ms), -1 where it is absent."""
    # By position: one call instead of a look-up of each of twelve names.
    fields: _Fields = astuple(wire)
    type, told, target, x, y, value, kind, name, dy, url, usual = fields
    at = -1 if told is None else _whole_ms(told)
    return Event(type, at, target, x, y, value, kind, name, dy, url, reports, usual)


def _whole_ms(told: float) -> int:
    ms = told
    if not _EARLIEST_MS <= ms <= _LATEST_MS:
        ms = _LATEST_MS if ms > 0 else _EARLIEST_MS
    at = int(ms)
    return at if at == ms else round(ms)


def to_events(wires: list[Any]) -> list[Event]:
    """As `to_event`, for a batch whose client's promises are not looked up yet. Checks them as `check` does: raises
    BadBatch."""
    events: list[Event] = []
    fields_of = astuple
    for wire in wires:
        fields: _Fields = fields_of(wire)
        type, told, target, x, y, value, kind, name, dy, url, usual = fields
        if value is not None:
            _check_value(len(events), type, value)
        if url is not None and ("?" in url or "#" in url):
            url = wire.url = _path_of(url)
        if usual is not None:  # the server's own note alone is kept
            wire.usual = None
        at = -1 if told is None else _whole_ms(told)
        events.append(Event(type, at, target, x, y, value, kind, name, dy, url, 0, None))
    return events


def note(wires: list[Any], events: list[Event], first: int) -> list[Any]:
    """Write into those of `wires` from `first` on what was understood of them: when they were, on the server's clock,
    and what is usual for their element. Those wires, which the log keeps."""
    understood = wires[first:] if first else wires
    for index, wire in enumerate(understood, first):
        event = events[index]
        wire.at = event.at
        if event.usual is not None:
            wire.usual = event.usual
    return understood
