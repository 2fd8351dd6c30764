"""Twelve short stories, two for each mood: what a reader of docs/accuracy.md would expect, and what is pushed."""

from pathlib import Path

import pytest

from app.mood import REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Change, Event, MoodEngine

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"


def at(seconds: float, type: str, target: str | None = None, **facts: object) -> Event:
    event = Event(type, round(seconds * 1000), target, reports=REPORTS)
    for name, value in facts.items():
        setattr(event, name, value)
    return event


#: (mood, the story as docs/accuracy.md tells it, its events, how many seconds nothing happens afterwards)
STORIES: list[tuple[str, str, list[Event], float]] = [
    (
        "frustrated",
        "Four fast clicks on a pay button that stays dead, and the script's verdict.",
        [at(0, "page_view", url="/pay"), *(at(20 + i / 4, "click", "#pay", x=9.0, y=9.0) for i in range(4)),
         at(21.4, "rage_click", "#pay", value=4.0)],
        0,
    ),
    (
        "frustrated",
        "Three bursts of clicks and two errors, told by a plain client.",
        [at(0, "page_view", reports=0), at(1, "click", reports=0), at(2, "click", reports=0),
         at(3, "rage_click", reports=0), at(4, "error", reports=0), at(5, "rage_click", reports=0),
         at(6, "error", reports=0), at(7, "rage_click", reports=0)],
        0,
    ),
    ("engaged", "A page was opened: nothing else is known.", [at(0, "page_view", url="/"), at(3, "click", "#a")], 0),
    (
        "engaged",
        "Steady work: clicks on this and that, without haste.",
        [at(0, "page_view", url="/board"), *(at(3 + 3 * i, "click", f"#cell{i % 3}") for i in range(9))],
        0,
    ),
    ("bored", "A page was opened, and two minutes nothing came of it.",
     [at(0, "page_view", url="/news"), at(2, "scroll", value=10.0)], 120),
    (
        "bored",
        "An article raced through in three scrolls.",
        [at(0, "page_view", url="/essay"), at(1, "scroll", value=30.0), at(2, "scroll", value=65.0),
         at(3, "scroll", value=99.0)],
        0,
    ),
    (
        "confused",
        "Back and forth between two pages, each left within four seconds.",
        [at(4 * i, "page_view", url="/plans" if i % 2 else "/prices") for i in range(7)],
        0,
    ),
    (
        "confused",
        "Up and down one page, looking for something.",
        [at(0, "page_view", url="/help"), *(at(2 + i, "scroll", value=depth)
           for i, depth in enumerate((60.0, 5.0, 70.0, 10.0, 80.0, 15.0)))],
        0,
    ),
    (
        "curious",
        "Nine products looked at, one after another.",
        [at(3 * i, "page_view", url=f"/chairs/{i}") for i in range(10)],
        0,
    ),
    (
        "curious",
        "Pages opened and their pictures pointed at.",
        [event for i in range(5)
         for event in (at(4 * i, "page_view", url=f"/flats/{i}"), at(4 * i + 2, "hover", f"#photo{i}", value=700.0))],
        0,
    ),
    (
        "satisfied",
        "Two steps that worked, and the order.",
        [at(0, "page_view", url="/cart"), at(3, "click", "#next"), at(3.2, "response", "#next", value=200.0),
         at(8, "click", "#buy"), at(8.3, "response", "#buy", value=300.0), at(9, "goal", name="order")],
        0,
    ),
    (
        "satisfied",
        "An article read to its end at a steady pace, and on to the next.",
        [at(0, "page_view", url="/essay"), *(at(20 * i, "scroll", value=12.0 * i)
           for i in range(1, 9)),
         at(165, "page_view", url="/next")],
        0,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("mood", "told", "events", "rest"), STORIES, ids=[told for _, told, _, _ in STORIES])
def test_a_short_story_reaches_its_mood(mood: str, told: str, events: list[Event], rest: float) -> None:
    assert 2 <= len(events) <= 10
    engine = MoodEngine("visitor", events[0].at)
    happened = [news for event in events for news in engine.receive(event)]
    end = events[-1].at + round(rest * 1000)
    happened += engine.advance(end)
    pushed = [item.mood for item in happened if isinstance(item, Change)]
    assert pushed[-1] == engine.reading(end).mood == mood, [round(p, 2) for p in engine.points]


def test_the_docs_tell_these_stories() -> None:
    page = PAGE.read_text()
    for mood, told, _, _ in STORIES:
        assert f"| `{mood}` | {told} |" in page
