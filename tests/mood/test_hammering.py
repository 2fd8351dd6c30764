"""A verdict on rapid clicks that waited for the page: when it counts, when not, and the laws for it."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mood import DEFAULT, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, Model, MoodEngine
from tests.mood import oracle
from tests.mood.histories import START, TOUCHY, copied, noted
from tests.support.examples import tries

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK


@st.composite
def hammerings(draw: st.DrawFn) -> list[Event]:
    """Two buttons under fast hands, verdicts soon after, and answers and pages in between."""
    at = START
    history = []
    kinds = st.sampled_from(["click"] * 6 + ["rage_click"] * 3 + ["response", "dead_click", "page_view"])
    for kind in draw(st.lists(kinds, min_size=6, max_size=16)):
        at += draw(st.sampled_from([0, 0, 100, 200, 300, 500, 600]))
        target = draw(st.sampled_from(["#pay", "#pay", "#pay", "#zoom"]))
        event = Event(kind, at, target, reports=REPORTS)
        if kind == "page_view":
            event.url = draw(st.sampled_from(["/a", "/b"]))
        elif kind == "response":
            event.target, event.value = draw(st.sampled_from(["#pay", "#zoom", None])), 80
        history.append(event)
    return draw(noted(history))


@given(hammerings(), st.sampled_from([DEFAULT, TOUCHY]))
@tries(100)
def test_scores_equal_a_naive_batch_scorer(history: list[Event], model: Model) -> None:
    engine = MoodEngine("session", START, model)
    for i, event in enumerate(copied(history)):
        engine.receive(event)
        expected = oracle.scores(history[: i + 1], START, event.at, model)
        assert engine.scores == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(hammerings(), st.randoms(use_true_random=False))
@tries(100)
def test_order_within_a_millisecond_does_not_matter(history: list[Event], shuffle: random.Random) -> None:
    straight, mixed = MoodEngine("session", START, TOUCHY), MoodEngine("session", START, TOUCHY)
    for at in sorted({event.at for event in history}):
        group = [event for event in history if event.at == at]
        for event in copied(group):
            straight.receive(event)
        shuffle.shuffle(group)
        for event in copied(group):
            mixed.receive(event)
        assert mixed.scores == pytest.approx(straight.scores, rel=1e-9, abs=1e-12)
        mixed = MoodEngine.restore(mixed.state(), TOUCHY)


def hammered(
    clicks: int = 4, after: int = 600, reports: int = REPORTS, between: Event | None = None
) -> MoodEngine:
    """Clicks 200 ms apart, perhaps something between, and the verdict `after` the last."""
    engine = MoodEngine("session", 0)
    engine.receive(Event("page_view", 0, url="/", reports=reports))
    for i in range(clicks):
        engine.receive(Event("click", 30_000 + i * 200, "#pay", 9, 9, reports=reports))
    last = 30_000 + (clicks - 1) * 200
    if between is not None:
        between.at = last + 100
        engine.receive(between)
    engine.receive(Event("rage_click", last + after, "#pay", value=4, reports=reports))
    return engine


def mood(engine: MoodEngine) -> str:
    return engine.reading(engine.last_at).mood


def test_it_frustrates_by_itself() -> None:
    engine = hammered()
    reading = engine.reading(engine.last_at)
    assert reading.mood == "frustrated"
    assert reading.since == 31_200
    said = {b.signal: (b.count, b.text) for b in reading.because}
    assert said["dead_click"] == (4, "4 clicks that nothing answered")


OTHERS: dict[str, Callable[[], MoodEngine]] = {
    "at once": lambda: hammered(after=0),
    "too soon": lambda: hammered(after=400),
    "long after": lambda: hammered(after=10_000),
    "three clicks": lambda: hammered(clicks=3),
    "reports nothing": lambda: hammered(reports=0),
    "reports no answers": lambda: hammered(reports=REPORTS_DEAD_CLICK),
    "answered": lambda: hammered(between=Event("response", 0, "#pay", value=100, reports=REPORTS)),
    "something answered": lambda: hammered(between=Event("response", 0, value=100, reports=REPORTS)),
    "another page": lambda: hammered(between=Event("page_view", 0, url="/thanks", reports=REPORTS)),
}


@pytest.mark.parametrize("why", OTHERS)
def test_any_other_verdict_is_one_of_three_that_are_needed(why: str) -> None:
    assert mood(OTHERS[why]()) != "frustrated"


def test_clicks_go_on_while_the_verdict_waits() -> None:
    assert mood(hammered(clicks=7, after=0)) == "frustrated"


def test_a_late_answer_takes_it_back() -> None:
    engine = hammered()
    assert engine.raw_scores()[0] == pytest.approx(5.0, abs=0.2)
    engine.receive(Event("response", 31_500, "#pay", value=900, reports=REPORTS))
    assert engine.raw_scores()[0] < 0.5


def test_the_dead_clicks_that_follow_say_the_same_again() -> None:
    """They are not added: it is the same four clicks."""
    engine = hammered()
    before = engine.raw_scores()[0]
    for i in range(4):
        engine.receive(Event("dead_click", 32_500 + i * 200, "#pay", 9, 9, reports=REPORTS))
    assert engine.raw_scores()[0] <= before
