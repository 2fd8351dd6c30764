"""The examples that stand at each signal in `app/mood/signals/names.py`."""

import pytest

from app.mood import REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, MoodEngine
from app.mood.signals.names import NAMES

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK


def fast(count: int, type: str, **facts: object) -> list[Event]:
    """So many in a few ms: nothing fades."""
    made = [Event(type, 1000 + i, reports=REPORTS) for i in range(count)]
    for event in made:
        for name, value in facts.items():
            setattr(event, name, value)
    return made


def places(type: str, reports: int) -> list[Event]:
    return [Event(type, 1000 + i, f"#b{i}", 500.0 * i, 9.0, reports=reports) for i in range(4)]


def three_steps() -> list[Event]:
    return [
        *fast(1, "page_view", url="/0"),
        *(Event("page_view", 1001 + i, url=f"/{i + 1}") for i in range(3)),
    ]


#: (signal, events, strength just after the last)
EXAMPLES: list[tuple[str, list[Event], float]] = [
    ("rage_click", fast(3, "rage_click"), 1.0),
    ("dead_click", fast(4, "dead_click", target="#pay"), 1.0),
    ("unanswered_clicks", places("click", REPORTS_RESPONSE), 0.5),
    ("slow_response", fast(1, "response", value=3500.0), 0.17),
    ("error_click", [*fast(1, "click"), Event("error", 1300)], 0.5),
    ("high_error_rate", fast(2, "error"), 0.33),
    ("thrashed_cursor", fast(1, "custom", name="thrashed_cursor", value=0.8), 0.8),
    ("back_and_forth", [Event("page_view", 1000, url="/a"), Event("page_view", 4000, url="/b"),
                        Event("page_view", 7000, url="/a")], 0.33),
    ("repeated_actions", fast(2, "submit"), 0.33),
    ("scroll_search", [Event("scroll", 1000 + 1000 * i, value=60.0 * (i % 2)) for i in range(5)], 0.7),
    ("form_struggle", [Event("focus", 1000, "#name"), Event("blur", 1100, "#name"), Event("focus", 1200, "#name")],
     0.33),
    ("hover_search", fast(2, "hover", value=2500.0), 0.67),
    ("minimal_interaction", fast(5, "input"), 0.8),
    ("skimming", [Event("page_view", 1000), Event("scroll", 4000, value=80.0)], 0.8),
    ("active_clicks", [Event("click", 1000 + i, f"#b{i}", 99.0 * i, 9.0) for i in range(5)], 0.5),
    ("reading_pace", [Event("page_view", 1000), Event("scroll", 31_000, value=20.0)], 0.5),
    ("deep_scroll", [Event("page_view", 1000), Event("scroll", 31_000, value=57.5)], 0.25),
    ("dwell", [Event("page_view", 1000, url="/a"), Event("page_view", 121_000, url="/b")], 0.5),
    ("exploring", three_steps(), 0.5),
    ("smooth_progress", fast(3, "response", value=100.0), 0.5),
    ("goal", fast(1, "goal"), 1.0),
    ("repeat_use", fast(6, "click", target="#zoom"), 0.43),
    ("arrived", fast(1, "click"), 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("signal", "events", "strength"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_an_example_is_what_it_says(signal: str, events: list[Event], strength: float) -> None:
    engine = MoodEngine("visitor", 1000)
    for event in events:
        engine.receive(event)
    assert engine.strengths()[NAMES.index(signal)] == pytest.approx(strength, abs=0.035)


def test_two_minutes_of_silence_are_half_an_idle() -> None:
    engine = MoodEngine("visitor", 0)
    engine.receive(Event("click", 0))
    engine.advance(120_000)
    assert engine.strengths()[NAMES.index("long_idle")] == pytest.approx(0.5, abs=0.05)
