"""One cause is one sign: what is told twice counts once, what is mild stays mild, what cannot be seen is no sign."""

import pytest

from app.mood import DEFAULT, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Change, Event, MoodEngine, Offer, Reading
from app.mood.signals.names import UNANSWERED_CLICKS

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK


def click(at: int, target: str, kind: str | None = None) -> Event:
    return Event("click", at, target, 10, 10, kind=kind, reports=REPORTS)


def dead(at: int, target: str, kind: str | None = None) -> Event:
    return Event("dead_click", at, target, 10, 10, kind=kind, reports=REPORTS)


def answer(at: int, target: str, wait: int = 80, kind: str | None = None) -> Event:
    return Event("response", at, target, value=wait, kind=kind, reports=REPORTS)


def play(*events: Event, rest: int = 10_000) -> tuple[Reading, list[str], list[Offer]]:
    """The reading at the last event, all moods by then and after `rest` more ms, and the offers."""
    engine = MoodEngine("visitor", 0)
    happened = engine.receive(Event("page_view", 0, url="/", reports=REPORTS))
    for event in sorted(events, key=lambda event: event.at):
        happened += engine.receive(event)
    reading = engine.reading(engine.last_at)
    happened += engine.advance(engine.last_at + rest)
    moods = [item.mood for item in happened if isinstance(item, Change)]
    return reading, moods, [item for item in happened if isinstance(item, Offer)]


def burst(every_ms: int, verdicts: bool, count: int = 10) -> Reading:
    clicks = [click(25_000 + i * every_ms, "#pay") for i in range(count)]
    told = range(3, count) if verdicts else [count - 1]
    rage = [Event("rage_click", 25_000 + i * every_ms + 600, "#pay", value=4, reports=REPORTS) for i in told]
    return play(*clicks, *rage)[0]


def test_a_burst_reads_alike_at_any_pace_and_however_often_it_is_told() -> None:
    readings = [burst(every, verdicts) for every in (100, 250, 320) for verdicts in (False, True)]
    scores = [reading.scores["frustrated"] for reading in readings]
    assert min(scores) > 0.9
    assert max(scores) - min(scores) < 0.01
    for reading in readings:
        (rage,) = [part for part in reading.because if part.signal == "rage_click"]
        assert (rage.count, rage.text) == (1, "1 burst of rapid clicks on one place")


def test_another_burst_after_a_pause_is_another() -> None:
    verdicts = [Event("rage_click", 25_000 + i * 5000, "#pay") for i in range(3)]
    (rage,) = [b for b in play(*verdicts)[0].because if b.signal == "rage_click"]
    assert rage.count == 3


def test_two_dead_clicks_on_two_things_are_not_frustration() -> None:
    reading, moods, offers = play(
        click(25_000, "#menu"), dead(27_500, "#menu"), click(30_000, "#account"), dead(32_500, "#account")
    )
    assert "frustrated" not in moods
    assert not offers
    assert "unanswered_clicks" not in reading.signals


@pytest.mark.parametrize("kind", ["disabled", "end", "current"])
@pytest.mark.parametrize("every_ms", [150, 900])
def test_a_thing_that_shows_it_has_nothing_to_give_is_never_a_card_by_itself(
    kind: str, every_ms: int
) -> None:
    clicks = [click(25_000 + i * every_ms, "#buy") for i in range(8)]
    died = [dead(27_500 + i * every_ms, "#buy", kind) for i in range(8)]
    rage = [
        Event("rage_click", 25_900 + i * every_ms, "#buy", kind=kind, reports=REPORTS) for i in range(4, 8)
    ]
    _, moods, offers = play(*clicks, *died, *rage)
    assert "frustrated" not in moods
    assert not offers


@pytest.mark.parametrize("steps", [4, 8, 15])
def test_a_stepper_at_its_end_is_not_broken(steps: int) -> None:
    went = [
        event
        for i in range(steps)
        for event in (click(22_000 + i * 300, "#plus"), answer(22_050 + i * 300, "#plus"))
    ]
    end = 22_000 + steps * 300
    stuck = [
        event
        for i in range(4)
        for event in (click(end + i * 300, "#plus"), dead(end + i * 300 + 2500, "#plus"))
    ]
    verdict = Event("rage_click", end + 900 + 600, "#plus", value=4, reports=REPORTS)
    _, moods, offers = play(*went, *stuck, verdict)
    assert "frustrated" not in moods
    assert not offers


def test_but_a_button_that_worked_once_and_then_goes_dead_is() -> None:
    went = [click(22_000, "#save"), answer(22_080, "#save")]
    stuck = [
        event
        for i in range(4)
        for event in (click(60_000 + i * 250, "#save"), dead(62_500 + i * 250, "#save"))
    ]
    verdict = Event("rage_click", 61_350, "#save", value=4, reports=REPORTS)
    assert len(play(*went, *stuck, verdict)[2]) == 1


def test_clicks_whose_answer_cannot_be_seen_are_no_sign() -> None:
    """A drum pad on a canvas: rapid clicks, and nobody can say whether they were heard."""
    reading, moods, offers = play(*(click(25_000 + i * 120, "#pad", "unknown") for i in range(40)))
    assert moods == ["engaged"]
    assert not offers
    assert not {"rage_click", "dead_click", "unanswered_clicks", "smooth_progress"} & {
        b.signal for b in reading.because
    }


def test_a_later_unknown_settles_clicks_without_praising_them() -> None:
    events = [
        event
        for i in range(6)
        for event in (click(25_000 + i * 150, "#pad"), answer(25_600 + i * 150, "#pad", kind="unknown"))
    ]
    verdict = Event("rage_click", 26_400, "#pad", value=4, reports=REPORTS)
    reading, moods, _ = play(*events, verdict)
    assert "frustrated" not in moods
    assert reading.scores["frustrated"] < 0.3
    assert "smooth_progress" not in {b.signal for b in reading.because}


def test_three_refused_forms_are_trouble_though_each_was_answered() -> None:
    events = []
    for i in range(3):
        at = 20_000 + i * 5000
        events += [
            Event("input", at, "#mail", reports=REPORTS),
            click(at + 1500, "#send"),
            answer(at + 1550, "#send"),
        ]
        events += [
            answer(at + 1560, "#mail"),
            Event("error", at + 1600, "#mail", kind="validation", reports=REPORTS),
        ]
    reading, moods, _ = play(*events)
    assert reading.mood in ("confused", "frustrated")
    assert "satisfied" not in moods
    assert "form_struggle" in reading.signals


@pytest.mark.parametrize("stay_ms", [1500, 3000, 4500])
def test_quick_turns_between_pages_are_not_satisfaction(stay_ms: int) -> None:
    events = []
    for i in range(12):
        at = 3000 + i * stay_ms
        back = bool(i % 2)
        if not back:
            events += [click(at - 100, f"#r{i}"), answer(at, f"#r{i}", 100)]
        url = "/results" if back else f"/page{i}"
        events.append(Event("navigation", at, url=url, kind="back" if back else "push", reports=REPORTS))
    reading, moods, _ = play(*events)
    assert "satisfied" not in moods
    assert reading.scores["confused"] > reading.scores["satisfied"]


def test_trouble_that_ended_needs_trouble() -> None:
    """Fast answered steps, a slow answer and one stray dead click are none."""
    events = [
        event
        for i in range(12)
        for event in (click(20_000 + i * 250, "#plus"), answer(20_060 + i * 250, "#plus"))
    ]
    events += [
        click(30_000, "#save"),
        answer(33_500, "#save", 3500),
        click(36_000, "#logo"),
        dead(38_500, "#logo"),
    ]
    events += [
        event
        for i in range(5)
        for event in (click(40_000 + i * 3000, f"#s{i}"), answer(40_100 + i * 3000, f"#s{i}"))
    ]
    engine = MoodEngine("visitor", 0)
    for event in sorted(events, key=lambda event: event.at):
        engine.receive(event)
        assert engine.strengths()[22] == 0.0
    reading = engine.reading(engine.last_at)
    assert "recovered" not in {b.signal for b in reading.because}


def test_nothing_answered_is_said_only_of_clicks_that_were_not() -> None:
    clicks = [click(25_000 + i * 150, "#pay") for i in range(5)]

    def said(*events: Event) -> str:
        engine = MoodEngine("visitor", 0)
        for event in events:
            engine.receive(event)
        strengths = engine.strengths()
        assert strengths[0] > 0
        from app.mood.words import describe

        return describe(0, engine.behaviour, engine.last_at, engine.model)[1]

    assert said(*clicks) == "5 clicks on #pay in 0.6 s, nothing answered"
    assert said(*clicks, answer(25_700, "#pay")) == "5 clicks on #pay in 0.6 s, answered"
    for event in clicks:
        event.reports = 0
    assert said(*clicks) == "5 clicks on #pay in 0.6 s"


def test_what_rounds_to_nothing_is_not_listed() -> None:
    engine = MoodEngine("visitor", 0)
    engine.receive(Event("page_view", 0, url="/", reports=REPORTS))
    engine.receive(click(1000, "#a"))
    engine.receive(answer(1080, "#a"))
    for at in range(61_000, 1_000_000, 60_000):
        engine.receive(Event("scroll", at, value=5.0, reports=REPORTS))
        reading = engine.reading(at)
        assert all(abs(part.points) >= 0.005 for part in reading.because)
        raw = engine.raw_scores()[list(reading.scores).index(reading.mood)]
        assert sum(part.points for part in reading.because) == pytest.approx(raw, abs=1e-9)


def blind_misses(count: int, **named: object) -> MoodEngine:
    """`count` dead clicks in a row, of which nothing is known but that they were dead, or what `named` says."""
    engine = MoodEngine("visitor", 0)
    engine.receive(Event("page_view", 0, url="/range"))
    for i in range(count):
        for type in ("click", "dead_click"):
            event = Event(type, 1000 + 650 * i, reports=REPORTS)
            for name, value in named.items():
                setattr(event, name, value)
            engine.receive(event)
    return engine


def test_dead_clicks_that_name_nothing_are_told_at_even_chance_at_most() -> None:
    """Whether a page is broken or an aim bad, they do not say: asked without choice, four in ten confirmed it."""
    for count in (4, 12):
        blind = blind_misses(count)
        assert blind.reading(blind.last_at).mood == "frustrated"
        assert 0.38 <= blind.confidence() <= DEFAULT.settings["most.blind"]
        named = blind_misses(count, target="#pay", x=9.0, y=9.0)
        assert named.confidence() >= DEFAULT.settings["enter.frustrated"]


def test_a_second_kind_of_trouble_makes_blind_dead_clicks_sure() -> None:
    engine = blind_misses(6)
    for i in range(2):
        engine.receive(Event("error", 6000 + i, kind="request", value=503.0, reports=REPORTS))
    assert engine.confidence() >= DEFAULT.settings["enter.frustrated"]
    again = MoodEngine.restore(engine.state())
    assert again.confidence() == engine.confidence()


def test_without_coordinates_one_thing_clicked_again_so_soon_is_one_try() -> None:
    """A map's client that says which button, not where: five slow clicks on one are one place tried, not five."""

    def tries(gap: int) -> float:
        engine = MoodEngine("visitor", 0)
        for i in range(6):
            engine.receive(Event("click", 1000 + i * gap, "#zoom", reports=REPORTS_RESPONSE))
        return engine.strengths()[UNANSWERED_CLICKS]

    assert tries(1500) == tries(4500) == 0.0
    assert tries(6000) > 0.3
