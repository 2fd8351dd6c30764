"""What the product promises on its first page, as the browser script reports it. Tuning must keep these: a
visitor who clicks four times on a dead button sees help within a second, once, however well the visit went before,
and one whose clicks are answered sees nothing, however fast they come."""

import pytest

from app.mood import REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Change, Event, MoodEngine, Offer

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
DEAD_MS = 2500  # the script's verdict on a click that nothing answered
RAGE_WAIT_MS = 600  # and on four fast ones: so long after the fourth


def answered(count: int, every_ms: int, target: str = "", wait: int = 90, start: int = 2000) -> list[Event]:
    """Clicks, each followed by its answer."""
    events = []
    for i in range(count):
        at, name = start + i * every_ms, target or f"#thing{i}"
        events.append(Event("click", at, name, 100, 40, reports=REPORTS))
        events.append(Event("response", at + wait, name, value=wait, reports=REPORTS))
    return events


def dead(count: int, every_ms: int, start: int, wait: int | None) -> list[Event]:
    """Clicks on a dead button; `wait`: with a rage click so long after the fourth."""
    events = []
    for i in range(count):
        at = start + i * every_ms
        events.append(Event("click", at, "#dead", 300, 200, reports=REPORTS))
        if wait is not None and i == 3:
            events.append(Event("rage_click", at + wait, "#dead", value=4, reports=REPORTS))
        events.append(Event("dead_click", at + DEAD_MS, "#dead", 300, 200, reports=REPORTS))
    return events


def play(*parts: list[Event], until: int | None = None) -> list[Change | Offer]:
    events = sorted((event for part in parts for event in part), key=lambda event: event.at)
    engine = MoodEngine("visitor-1", 0)
    happened = engine.receive(Event("page_view", 0, url="/shop", reports=REPORTS))
    for event in events:
        happened += engine.receive(event)
    return happened + engine.advance(until if until is not None else events[-1].at)


def moods(happened: list[Change | Offer]) -> list[str]:
    return [item.mood for item in happened if isinstance(item, Change)]


@pytest.mark.parametrize("before", [0, 1, 5, 12, 40])
@pytest.mark.parametrize(
    ("every_ms", "wait"), [(250, RAGE_WAIT_MS), (320, RAGE_WAIT_MS), (250, 0), (600, None), (1200, None)]
)
def test_four_clicks_on_a_dead_button_frustrate(before: int, every_ms: int, wait: int | None) -> None:
    browsing = answered(before, 3000)
    start = 25_000 + before * 3000
    happened = play(browsing, dead(4, every_ms, start, wait))
    assert "frustrated" in moods(happened)


@pytest.mark.parametrize("before", [0, 1, 5, 12, 40])
@pytest.mark.parametrize("every_ms", [90, 200, 320])
def test_help_is_offered_once_and_within_a_second_of_the_fourth_click(before: int, every_ms: int) -> None:
    start = 25_000 + before * 3000
    happened = play(answered(before, 3000), dead(4, every_ms, start, RAGE_WAIT_MS), until=start + 60_000)
    assert "frustrated" in moods(happened)
    offers = [item for item in happened if isinstance(item, Offer)]
    assert [offer.at for offer in offers] == [start + 3 * every_ms + RAGE_WAIT_MS]


def test_who_goes_on_clicking_is_offered_help_no_later() -> None:
    happened = play(answered(5, 3000), dead(12, 200, 40_000, RAGE_WAIT_MS), until=100_000)
    offers = [item for item in happened if isinstance(item, Offer)]
    assert [offer.at for offer in offers] == [40_600 + RAGE_WAIT_MS]


def test_a_verdict_that_came_with_the_fourth_click_waits_for_the_dead_clicks() -> None:
    """So did the script once: nobody could know yet whether the page would answer."""
    happened = play(answered(5, 3000), dead(4, 300, 40_000, wait=0), until=100_000)
    offers = [item for item in happened if isinstance(item, Offer)]
    assert len(offers) == 1
    assert 40_000 + DEAD_MS < offers[0].at <= 40_900 + DEAD_MS + 2500


def test_a_stepper_offends_nobody() -> None:
    happened = play(answered(8, 220, "#plus", wait=20, start=30_000), until=60_000)
    assert "frustrated" not in moods(happened)


@pytest.mark.parametrize("wait", [20, 400, 900])
def test_fast_answered_clicks_anywhere_offend_nobody(wait: int) -> None:
    happened = play(answered(60, 1000, wait=wait), until=120_000)
    assert "frustrated" not in moods(happened)


def test_one_dead_click_now_and_then_is_forgiven() -> None:
    browsing = answered(40, 3000)
    stray = dead(1, 0, 40_000, None) + dead(1, 0, 80_000, None) + dead(1, 0, 120_000, None)
    assert "frustrated" not in moods(play(browsing, stray))


def test_a_reader_who_pauses_is_not_bored() -> None:
    """The script says `idle` after half a minute without a touch: on a long text that is reading."""
    engine = MoodEngine("reader", 0)
    happened = engine.receive(Event("page_view", 0, url="/essay", reports=REPORTS))
    for i in range(12):
        at = 5000 + i * 36_000
        happened += engine.receive(Event("scroll", at, value=8.0 * (i + 1), dy=500, reports=REPORTS))
        happened += engine.receive(Event("idle", at + 30_000, value=30, reports=REPORTS))
    assert "bored" not in moods(happened)


def test_idle_clicks_on_text_offend_nobody() -> None:
    """Nothing answers them and nothing should: the script calls no dead click."""
    clicks = [
        Event("click", 5000 + i * 2000, f"p:nth({i})", 90.0 * i, 40, reports=REPORTS) for i in range(20)
    ]
    assert "frustrated" not in moods(play(clicks, until=90_000))


def test_dead_things_everywhere_frustrate_however_it_went_before() -> None:
    browsing = answered(12, 3000)
    parts = [dead(1, 0, 60_000 + i * 1500, None) for i in range(9)]
    for i, part in enumerate(parts):
        for event in part:
            event.target, event.x = f"#dead{i}", 70.0 * i
    assert "frustrated" in moods(play(browsing, *parts))
