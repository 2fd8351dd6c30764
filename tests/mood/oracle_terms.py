"""What the oracle's parts share: facts of a type, what time leaves of them, ramps."""

from collections.abc import Callable, Sequence

from app.mood import Event

Strengths = dict[str, float]


def list_visits(events: Sequence[Event]) -> list[tuple[str | None, int, bool]]:
    """(page, entered at, by the back button) for each page change, those of one millisecond as one."""
    visits: list[tuple[str | None, int, bool]] = []
    for event in events:
        if event.type not in ("page_view", "navigation"):
            continue
        name = page_of(event)
        back = event.type == "navigation" and event.kind == "back"
        if visits and visits[-1][1] == event.at:
            before = visits[-2][0] if len(visits) > 1 else None
            old, _, was_back = visits[-1]
            if name is not None and name == before and not back:
                continue
            best = max((n for n in (old, name) if n is not None), default=None)
            visits[-1] = (best, event.at, was_back or back)
        elif not visits or name is None or back or name != visits[-1][0]:
            visits.append((name, event.at, back))
    return visits


def page_of(event: Event) -> str | None:
    return event.url if event.url is not None else event.target


def of(events: Sequence[Event], type: str) -> list[Event]:
    return [e for e in events if e.type == type]


def faded(
    events: Sequence[Event], now: int, half_life: float, worth: Callable[[Event], float] = lambda e: 1.0
) -> float:
    return sum(worth(e) * left(now - e.at, half_life) for e in events)


def left(ms: int, half_life: float) -> float:
    return float(0.5 ** (ms / 1000 / half_life))


def between(value: float, start: float, full: float) -> float:
    return min(1.0, max(0.0, (value - start) / (full - start)))


def half(value: float, at: float) -> float:
    return value / (value + at)


def close(a: Event, b: Event, radius: float) -> bool:
    for one, other in ((a.x, b.x), (a.y, b.y)):
        if (one is None) != (other is None):
            return False
        if one is not None and other is not None and abs(one - other) > radius:
            return False
    return True
