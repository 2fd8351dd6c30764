"""What the evidence says, in words and counts."""

import pytest

from app.mood import DEFAULT, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, MoodEngine
from app.mood.signals.names import HOVER_SEARCH, SLOW_RESPONSE, THRASHED_CURSOR
from app.mood.words import describe

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK


def texts(*events: Event) -> dict[str, tuple[int, str]]:
    """signal -> (count, text), of what stands behind the mood at the end."""
    engine = MoodEngine("s", 0)
    for event in events:
        engine.receive(event)
    return {b.signal: (b.count, b.text) for b in engine.reading(engine.last_at).because}


def dead_button(clicks: int) -> list[Event]:
    pressed = [Event("click", 1000 + i * 200, "#pay", 10, 10, reports=REPORTS) for i in range(clicks)]
    died = [Event("dead_click", 3500 + i * 200, "#pay", reports=REPORTS) for i in range(clicks)]
    return [*pressed, *died]


def test_a_dead_button() -> None:
    said = texts(*dead_button(5))
    assert said["dead_click"] == (5, "5 clicks that nothing answered")
    assert said["rage_click"] == (5, "5 clicks on #pay in 0.8 s, nothing answered")


def test_verdicts_and_errors() -> None:
    said = texts(
        *(Event(kind, 0) for kind in ("click", "rage_click", "rage_click", "rage_click", "error", "error"))
    )
    assert said["rage_click"] == (3, "3 bursts of rapid clicks on one place")
    assert said["error_click"] == (2, "2 errors right after a click")
    assert said["high_error_rate"] == (2, "2 errors")


def test_places_tried() -> None:
    clicks = [Event("click", i * 1500, f"#b{i}", 60.0 * i, 9, reports=REPORTS_RESPONSE) for i in range(9)]
    assert texts(*clicks)["unanswered_clicks"] == (9, "9 clicks in a row without an answer")


@pytest.mark.parametrize(("clicks", "text"), [(1, "1 action answered"), (2, "2 actions answered")])
def test_one_is_not_many(clicks: int, text: str) -> None:
    answers = [Event("response", 100 * i, value=50, reports=REPORTS) for i in range(clicks)]
    assert texts(*answers)["smooth_progress"] == (clicks, text)


def test_silence() -> None:
    engine = MoodEngine("s", 0)
    engine.receive(Event("page_view", 0))
    engine.advance(100_000)
    (idle,) = [b for b in engine.reading(100_000).because if b.signal == "long_idle"]
    assert engine.reading(100_000).mood == "bored"
    assert idle.text == "did nothing for 96 s"


def test_an_answer_of_the_visitor() -> None:
    assert texts(Event("click", 0), Event("feedback", 10, name="engaged", value=1))["feedback"][1] == (
        "the visitor said yes"
    )


@pytest.mark.parametrize(
    ("signal", "event", "says"),
    [
        (SLOW_RESPONSE, Event("response", 0, "#a", value=9000.0, reports=REPORTS), "3 slow answers"),
        (THRASHED_CURSOR, Event("custom", 0, name="thrashed_cursor", value=1.0), "moved the pointer wildly"),
        (HOVER_SEARCH, Event("hover", 0, "#a", value=3000.0), "rested the pointer 3 times without a click"),
    ],
    ids=["slow", "thrash", "hover"],
)
def test_what_happened_three_times(signal: int, event: Event, says: str) -> None:
    engine = MoodEngine("s", 0)
    for at in (0, 4000, 8000):
        event.at = at
        engine.receive(event)
    assert describe(signal, engine.behaviour, 8000, DEFAULT) == (3, says)
