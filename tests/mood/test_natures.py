"""What other visitors taught: a stepper is stepped on, a label is silent, a button that always answered is missed."""

import pytest

from app.mood import REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Change, Event, MoodEngine, Offer, Usual
from app.sessions.elements import Elements, Visit

REPORTS = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
#: Visitors, verdicts, answered share, wait (ms), clicks in a row.
LABEL: Usual = (50.0, 60.0, 0.02, 0.0, 1.1)
BUTTON: Usual = (50.0, 60.0, 0.98, 120.0, 1.1)
UNSURE: Usual = (50.0, 60.0, 0.6, 120.0, 1.1)
STEPPER: Usual = (12.0, 60.0, 0.95, 60.0, 4.0)
NEW: Usual = (4.0, 8.0, 0.0, 0.0, 4.0)


def frustration(*events: Event, until: int = 0) -> tuple[float, list[Offer]]:
    """The score, and the offers of help."""
    engine = MoodEngine("visitor", 0)
    happened = engine.receive(Event("page_view", 0, url="/", reports=REPORTS))
    for event in sorted(events, key=lambda event: event.at):
        happened += engine.receive(event)
    happened += engine.advance(engine.last_at + until)
    return engine.scores[0], [item for item in happened if isinstance(item, Offer)]


def dead_clicks(usual: Usual | None, count: int = 1) -> list[Event]:
    events = []
    for n in range(count):
        at = 25_000 + n * 4_000
        events.append(Event("click", at, "#go", 10, 10, reports=REPORTS, usual=usual if n == 0 else None))
        events.append(Event("dead_click", at + 2_500, "#go", 10, 10, reports=REPORTS))
    return events


def burst(usual: Usual | None, reports: int, clicks: int = 8, verdict: int | None = None) -> list[Event]:
    """Rapid clicks; `verdict`: the client calls them rage so long (ms) after the fourth."""
    events = [
        Event("click", 25_000 + n * 150, "#go", 10, 10, reports=reports, usual=usual if n == 0 else None)
        for n in range(clicks)
    ]
    if verdict is not None:
        events.append(Event("rage_click", 25_450 + verdict, "#go", value=4, reports=reports))
    return events


def test_silence_on_a_label_is_no_sign() -> None:
    typed = [event for event in dead_clicks(LABEL, 6) if event.type == "click"]
    typed += [Event("input", event.at + 2_500, "#name", reports=REPORTS) for event in typed]
    assert frustration(*dead_clicks(LABEL, 6))[0] == pytest.approx(frustration(*typed)[0], rel=1e-9)
    assert frustration(*dead_clicks(None, 6))[0] > 0.5


def test_silence_on_what_always_answered_is_a_sign_by_itself() -> None:
    unknown, _ = frustration(*dead_clicks(None))
    reliable, _ = frustration(*dead_clicks(BUTTON))
    assert reliable > 1.3 * unknown
    assert frustration(*dead_clicks(UNSURE))[0] == unknown
    assert frustration(*dead_clicks(NEW))[0] == unknown


@pytest.mark.parametrize("usual", [LABEL, UNSURE, BUTTON])
def test_hammering_in_vain_is_believed_whatever_is_usual(usual: Usual) -> None:
    score, offers = frustration(*burst(usual, REPORTS, 4, verdict=600))
    assert score > 0.5
    assert len(offers) == 1


def test_stepping_on_a_stepper_is_no_rage() -> None:
    """Also for a client that tells nothing of answers, and one whose verdict did not wait for them."""
    assert frustration(*burst(STEPPER, 0))[0] < frustration(*burst(None, 0))[0]
    quick = frustration(*burst(STEPPER, 0, 8, verdict=0))
    assert quick[0] < frustration(*burst(None, 0, 8, verdict=0))[0]
    assert not quick[1]


def test_a_stepper_that_died_is_seen() -> None:
    score, offers = frustration(*burst(STEPPER, REPORTS, 4, verdict=600))
    assert score > 0.5
    assert len(offers) == 1


def test_ten_visitors_make_a_stepper_known() -> None:
    elements = Elements()

    def visit(n: int) -> list[Event]:
        """Steps up by six; every click is answered, but the client does not say so."""
        here = Visit()
        events = [Event("click", 25_000 + n * 600_000 + i * 180, "#more", 10, 10) for i in range(6)]
        for event in events:
            elements.meet("shop", here, event)
        return events

    first, *_, last = [frustration(*visit(n))[0] for n in range(12)]
    assert last < first


def test_a_button_that_goes_dead_is_flagged_at_the_first_visitor() -> None:
    elements = Elements()
    for n in range(30):
        here = Visit()
        for kind, late in (("click", 0), ("response", 90)):
            event = Event(kind, n * 60_000 + late, "#pay", value=90, reports=REPORTS)
            elements.meet("shop", here, event)
    here = Visit()
    events = [
        Event("click", 2_000_000, "#pay", 10, 10, reports=REPORTS),
        Event("dead_click", 2_002_500, "#pay", 10, 10, reports=REPORTS),
    ]
    for event in events:
        elements.meet("shop", here, event)
    assert events[0].usual is not None
    assert frustration(*events)[0] > 1.3 * frustration(*dead_clicks(None))[0]


def test_what_is_usual_survives_a_snapshot() -> None:
    events = dead_clicks(BUTTON)
    straight = MoodEngine("visitor", 0)
    resumed = MoodEngine("visitor", 0)
    for event in events:
        straight.receive(event)
        resumed = MoodEngine.restore(resumed.state())
        resumed.receive(event)
    assert resumed.state() == straight.state()


def test_false_alarms_on_a_page_of_steppers_fall_by_half_after_twenty_visitors() -> None:
    """Carousels, players and steppers whose answers nobody sees, and a client that calls every burst rage."""
    elements = Elements()

    def alarmed(n: int) -> bool:
        here = Visit()
        start = n * 3_600_000
        engine = MoodEngine(f"visitor-{n}", start)
        happened = engine.receive(Event("page_view", start, url="/"))
        at = start + 25_000
        for target in ("#more", "#next-photo", "#louder", "#forward"):
            for step in range(5 + n % 3):
                at += 160
                kinds = ["click", "rage_click"] if step == 3 else ["click"]
                for kind in kinds:
                    event = Event(kind, at, target, 10, 10)
                    elements.meet("shop", here, event)
                    happened += engine.receive(event)
            at += 3_000
        return "frustrated" in [item.mood for item in happened if isinstance(item, Change)]

    early = sum(alarmed(n) for n in range(10))
    for n in range(10, 20):
        alarmed(n)
    late = sum(alarmed(n) for n in range(20, 30))
    assert early >= 5
    assert late <= early / 2
