"""The eighth law: each mood is reached by a believable visit, held for a while, and left again."""

from collections.abc import Callable

import pytest

from app.mood import MOODS, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Change, Event, MoodEngine

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
Visit = list[Event]


def frustrated() -> Visit:
    """A pay button that does nothing, then an error."""
    visit = [Event("page_view", 0, url="/checkout")]
    for i in range(5):
        visit.append(Event("click", 20_000 + i * 250, "#pay", 300, 200, reports=REPORTS))
    visit.append(Event("rage_click", 21_300, "#pay", value=5, reports=REPORTS))
    visit.append(Event("error", 22_000, kind="request", value=503, reports=REPORTS))
    for i in range(5):
        visit.append(Event("dead_click", 22_500 + i * 250, "#pay", reports=REPORTS))
    return visit


def engaged() -> Visit:
    """Steady work: a click on something else every two seconds, each answered."""
    visit = [Event("page_view", 0, url="/board")]
    for i in range(30):
        visit.append(Event("click", 2000 + i * 2000, f"#cell{i % 6}", 50.0 * (i % 6), 90, reports=REPORTS))
    return visit


def bored() -> Visit:
    """A page was opened, and nothing came of it."""
    return [Event("page_view", 0, url="/news"), Event("scroll", 2000, value=15)]


def confused() -> Visit:
    """Back and forth between two pages, and up and down each."""
    visit = []
    for i in range(8):
        at = i * 6000
        visit.append(Event("page_view", at, url="/plans" if i % 2 else "/prices"))
        for step, depth in enumerate((60, 10, 70, 5)):
            visit.append(Event("scroll", at + 900 + step * 900, value=depth))
    return visit


def curious() -> Visit:
    """Page after page, and a look at many things."""
    visit = []
    for i in range(6):
        visit.append(Event("page_view", i * 4000, url=f"/chairs/{i}"))
        visit.append(Event("hover", i * 4000 + 1500, f"#photo{i}", value=600))
        visit.append(Event("click", i * 4000 + 2500, f"#photo{i}", 200, 200, reports=REPORTS))
        visit.append(Event("response", i * 4000 + 2600, f"#photo{i}", value=100, reports=REPORTS))
    return visit


def satisfied() -> Visit:
    """A few things that worked, and the goal."""
    visit = [Event("page_view", 0, url="/cart")]
    for i in range(6):
        visit.append(Event("click", 3000 + i * 4000, f"#step{i}", 100, 100, reports=REPORTS))
        visit.append(Event("response", 3200 + i * 4000, f"#step{i}", value=200, reports=REPORTS))
    return [*visit, Event("goal", 27_000, name="order")]


VISITS: dict[str, Callable[[], Visit]] = {
    "frustrated": frustrated,
    "engaged": engaged,
    "bored": bored,
    "confused": confused,
    "curious": curious,
    "satisfied": satisfied,
}


@pytest.mark.parametrize("mood", MOODS)
def test_8_each_mood_is_reached_held_and_left_again(mood: str) -> None:
    """Left again: by silence, save boredom, which a few answered clicks end."""
    engine = MoodEngine("visitor", 0)
    changes: list[Change] = []
    visit = VISITS[mood]()
    if mood == "bored":
        later = [Event("click", 300_000 + i * 1500, f"#story{i}", 10.0 * i, 9) for i in range(8)]
        visit = [*visit, *later]
    for event in visit:
        changes += [news for news in engine.receive(event) if isinstance(news, Change)]
    changes += [news for news in engine.advance(10**7) if isinstance(news, Change)]
    begins = next(i for i, change in enumerate(changes) if change.mood == mood)
    assert begins + 1 < len(changes), f"{mood} was never left"
    assert changes[begins + 1].at - changes[begins].at >= 5000
    assert changes[begins + 1].previous == mood


def test_frustration_and_interest_are_over_a_minute_or_so_after_the_last_event() -> None:
    for mood in ("frustrated", "curious", "engaged"):
        engine = MoodEngine("visitor", 0)
        visit = VISITS[mood]()
        for event in visit:
            engine.receive(event)
        assert engine.reading(engine.last_at).mood == mood
        ends = [news.at for news in engine.advance(10**7) if isinstance(news, Change)]
        assert ends[0] - visit[-1].at <= 120_000, mood
