"""The fourth law: however long a session lasts, an event costs the same and the state stays small."""

import sys
from collections.abc import Iterator
from types import FrameType

import pytest

import app
from app.mood import Event, MoodEngine

KINDS = ("click", "scroll", "hover", "response", "page_view", "focus", "blur", "error", "dead_click", "input")


def endless() -> Iterator[Event]:
    """Ever new targets and pages, with long names, at an even pace."""
    n = 0
    while True:
        name = f"#{n:0>150}"
        kind = KINDS[n % len(KINDS)]
        yield Event(
            kind, n * 400, name, 9.0 * (n % 90), 7.0 * (n % 70), float(n % 100), url=f"/{n}", reports=3
        )
        n += 1


def calls_for(engine: MoodEngine, events: list[Event]) -> int:
    calls = 0

    def count(frame: FrameType, what: str, arg: object) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    sys.setprofile(count)
    try:
        for event in events:
            engine.receive(event)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.skipif(app.COMPILED, reason="machine code makes no calls that Python could count")
def test_4_an_event_costs_the_same_at_any_age() -> None:
    engine, events = MoodEngine("s", 0), endless()
    for _ in range(1000):
        engine.receive(next(events))
    young = calls_for(engine, [next(events) for _ in range(200)])
    for _ in range(20_000):
        engine.receive(next(events))
    old = calls_for(engine, [next(events) for _ in range(200)])
    assert old == pytest.approx(young, rel=0.02)


def test_4_the_state_stays_small() -> None:
    engine, events = MoodEngine("s", 0), endless()
    for _ in range(1000):
        engine.receive(next(events))
    young = len(repr(engine.state()))
    for _ in range(20_000):
        engine.receive(next(events))
    assert len(repr(engine.state())) < 1.05 * young
    assert young < 20_000


def test_4_what_faded_out_is_nothing() -> None:
    """The smallest numbers that there are never fade away, and are slow to reckon with."""
    engine = MoodEngine("s", 0)
    once = (
        "page_view",
        "error",
        "dead_click",
        "rage_click",
        "response",
        "submit",
        "copy",
        "blur",
        "navigation",
    )
    for kind in once:
        engine.receive(Event(kind, 0, "#once", value=3000.0, kind="validation" if kind == "error" else None))
    for at in range(100, 60_000_000, 5000):  # 17 hours of steady reading
        engine.receive(Event("scroll", at, value=float(at // 5000 % 100)))
    assert [x for x in numbers(engine.state()) if 0.0 < abs(x) < sys.float_info.min] == []


def numbers(state: object) -> Iterator[float]:
    if isinstance(state, float):
        yield state
    elif isinstance(state, (list, dict)):
        for part in state.values() if isinstance(state, dict) else state:
            yield from numbers(part)


def test_4_silence_costs_a_bounded_number_of_decisions() -> None:
    engine = MoodEngine("s", 0)
    engine.receive(Event("click", 123))
    moments = []
    while (due := engine.due_at()) is not None:
        moments.append(due)
        engine.advance(due)
    assert len(moments) < 100
    assert all(moment % 1000 == 0 for moment in moments)
    assert moments == sorted(set(moments))
