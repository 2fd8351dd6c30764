"""What a visit leaves behind: its last mood while the visitor was there, its worst one, what came of help."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.history_rows import history_row, mood_columns, restored_history, told
from app.mood import DEFAULT, MOODS, Change, Event, Evidence, Model, MoodEngine, Offer, Reading
from app.sessions.history import OUTCOMES, History, moods_of, outcome_of, wanted_traits
from app.sessions.session import Session
from app.storage import SessionRow
from tests.mood.histories import events as histories
from tests.support.examples import tries

T = 1_764_000_000_000
MINUTE = 60_000
STORY = ["page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click"]


def opened() -> Session:
    return Session("p", "s", T, DEFAULT, publishable=False)


def send(session: Session, *events: Event, now: int | None = None) -> None:
    session.receive(list(events), None, None, 0, None, now or max(event.at for event in events), 0)


def frustrated(seconds: int = 3) -> Session:
    session = opened()
    for n, type in enumerate(STORY):
        send(session, Event(type, T + n * seconds * 1000, target="#pay", url="/checkout"))
    return session


def test_the_last_mood_is_as_of_the_last_event_however_long_ago() -> None:
    session = frustrated()
    last = session.reading(session.last_at)
    assert last is not None
    assert last.mood == "frustrated"
    session.advance(T + 60 * MINUTE)
    later = session.reading(T + 60 * MINUTE)
    assert later is not None
    assert later.mood != "frustrated"  # it has faded
    assert mood_columns(session.history, DEFAULT)[:4] == (
        "frustrated",
        last.confidence,
        "offer_help",
        session.last_at,
    )
    ending = session.ending()
    assert ending is not None
    assert (ending.mood, ending.confidence, ending.scores) == (last.mood, last.confidence, last.scores)


@tries(30)
@given(histories(), st.integers(0, 40 * MINUTE))
def test_a_reading_can_be_had_again_as_it_was(events: list[Event], wait: int) -> None:
    engine = MoodEngine("s", events[0].at)
    for event in events:
        engine.receive(event)
    at = engine.last_at
    before = engine.reading(at)
    engine.advance(at + wait)
    state = engine.state()
    again = engine.as_of(at)
    for name in ("mood", "confidence", "scores", "signals", "since", "as_of", "previous", "event_count"):
        assert getattr(again, name) == getattr(before, name), name
    assert [(e.signal, e.points, e.text) for e in again.because] == [
        (e.signal, e.points, e.text) for e in before.because
    ]
    assert engine.state() == state, "asking must alter nothing"


@tries(30)
@given(histories(), st.lists(st.integers(0, 3 * MINUTE), max_size=6))
def test_how_often_time_is_told_changes_nothing(events: list[Event], ticks: list[int]) -> None:
    """Waking a session and its next event come to the same, also where the mood changed between them."""
    seldom, often = opened(), opened()
    end = events[-1].at + 20 * MINUTE
    for event, following in zip(events, [*(event.at for event in events[1:]), end], strict=True):
        for session in (seldom, often):
            copy = Event(
                event.type, event.at, event.target, value=event.value, kind=event.kind, name=event.name
            )
            copy.reports = event.reports
            session.apply(copy, [])
        for tick in ticks:
            often.advance(min(event.at + tick, following))
    seldom.advance(end)
    often.advance(end)
    assert seldom.history.mood == often.history.mood
    assert seldom.history.confidence == often.history.confidence
    assert seldom.history.traits() == often.history.traits()
    assert history_row(seldom.history) == history_row(often.history)


@tries(30)
@given(histories())
def test_the_worst_mood_is_one_that_was_told_with_its_evidence(events: list[Event]) -> None:
    severity = ["satisfied", "curious", "engaged", "bored", "confused", "frustrated"]
    session = opened()
    seen: list[tuple[int, float]] = []
    for event in events:
        session.apply(event, [])
        reading = session.reading(session.last_at)
        if reading is not None:
            seen.append((severity.index(reading.mood), reading.confidence))
    worst = session.history.worst
    assert worst is not None
    assert severity.index(worst.mood) >= max(seen)[0]
    if (rank := severity.index(worst.mood)) >= 3 and rank == max(seen)[0]:
        assert worst.confidence >= max(seen)[1] - 0.011
    assert {e.signal for e in worst.because if e.points > 0} >= set(worst.signals) - {"feedback"}


def test_what_only_time_does_counts_when_it_is_trouble() -> None:
    session = opened()
    send(session, Event("click", T, target="#pay", url="/pay"))
    history = session.history

    def turned(at: int, mood: str) -> None:
        change = Change(at, mood, "engaged", 0.7, "any", ["dead_click"], 1)
        change.because = [Evidence("dead_click", 2.0, 1, "1 click that nothing answered")]
        history.turned(change, session.page, here=False)

    turned(T + 3000, "curious")
    assert (MOODS[history.mood], history.at) == ("engaged", T)
    turned(T + 4000, "confused")
    turned(T + 5000, "satisfied")
    turned(T + 6000, "bored")
    assert (MOODS[history.mood], history.at, history.confidence) == ("confused", T + 4000, 0.7)
    worst = history.worst
    assert worst is not None
    assert (worst.mood, worst.at, worst.page, [e.signal for e in worst.because]) == (
        "confused", T + 4000, "/pay", ["dead_click"],
    )  # fmt: skip
    assert moods_of(history.traits()) == ["engaged", "confused"]


def test_a_change_that_time_brings_has_its_evidence() -> None:
    session = opened()
    send(session, Event("page_view", T, url="/"))
    changes = [each for each in session.advance(T + 4 * MINUTE) if isinstance(each, Change)]
    assert [change.mood for change in changes] == ["bored"]
    assert "long_idle" in {each.signal for each in changes[0].because}


def test_boredom_counts_once_the_visitor_is_seen_again() -> None:
    gone, back = opened(), opened()
    for session in (gone, back):
        send(session, Event("page_view", T, url="/"), Event("click", T + 1000))
        session.advance(T + 4 * MINUTE)
        now = session.reading(T + 4 * MINUTE)
        assert now is not None
        assert now.mood == "bored"
        assert moods_of(session.history.traits()) == ["engaged"]
        assert MOODS[session.history.mood] == "engaged"
    assert gone.history.worst is not None
    assert gone.history.worst.mood == "engaged"
    send(back, Event("click", T + 4 * MINUTE))
    assert back.history.worst is not None
    assert back.history.worst.mood == "bored"
    assert moods_of(back.history.traits()) == ["engaged", "bored"]
    assert "long_idle" in back.history.worst.signals


@pytest.mark.parametrize("hidden", [False, True])
def test_boredom_counts_at_once_where_the_page_is_seen_to_be_open(hidden: bool) -> None:
    session = opened()
    session.subscribers = [Watcher()]
    send(session, Event("page_view", T, url="/"), Event("click", T + 1000))
    if hidden:
        send(session, Event("visibility", T + 1100, kind="hidden"))
    session.advance(T + 4 * MINUTE)
    now = session.reading(T + 4 * MINUTE)
    assert now is not None
    assert MOODS[session.history.mood] == now.mood == ("engaged" if hidden else "bored")
    assert moods_of(session.history.traits()) == (["engaged"] if hidden else ["engaged", "bored"])


class Watcher:
    every = False

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        pass


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        ([], "unreported"),
        ([("shown", "h1")], "shown"),
        ([("shown", "h1"), ("accepted", "h1")], "accepted"),
        ([("shown", "h1"), ("dismissed", None)], "dismissed"),
        ([("expired", "h1")], "expired"),
        ([("accepted", "h1"), ("shown", "h1")], "accepted"),
        ([("snoozed", "ours")], "snoozed"),
        ([("held_out", "h1")], "unreported"),  # for the server alone to say
        ([("rubbish", "h1"), (None, "h1")], "unreported"),
    ],
)
def test_what_came_of_help(heard: list[tuple[str | None, str | None]], outcome: str) -> None:
    session = frustrated(seconds=4)
    at = session.last_at
    while not session.history.offers and at < session.last_at + MINUTE:
        at += 1000
        session.advance(at)
    assert [o.id for o in session.history.offers] == ["h1"]
    for kind, name in heard:
        at += 100
        send(session, Event("help", at, kind=kind, name=name))
    assert outcome_of(session.history.traits()) == outcome
    assert MOODS[session.history.mood] == "frustrated"


def test_offers_are_bounded() -> None:
    session = opened()
    send(session, Event("click", T))
    for n in range(1000):
        send(session, Event("help", T + n, kind="shown", name=f"x{n}"))
    assert len(session.history.offers) == 20
    assert session.history.offers[-1].id == "x999"


def test_a_history_goes_to_rows_and_back() -> None:
    session = frustrated(seconds=4)
    send(session, Event("help", session.last_at, kind="accepted", name="h1"))
    mood, confidence, action, mood_at, traits = mood_columns(session.history, DEFAULT)
    row = SessionRow(
        "p", "s", 9, T, session.last_at, 9, mood, confidence, action, mood_at, traits, "/", None, False
    )  # fmt: skip
    kept = history_row(session.history)
    assert kept is not None
    again = restored_history(row, kept)
    assert mood_columns(again, DEFAULT) == mood_columns(session.history, DEFAULT)
    assert history_row(again) == kept
    assert again.worst_severity == session.history.worst_severity
    shown = told(traits, kept, DEFAULT)
    assert shown["moods"] == ["frustrated", "engaged"]
    assert shown["help"] == {
        "outcome": "accepted",
        "offers": [{"id": "h1", "at": session.history.offers[0].at, "outcome": "accepted", "outcome_at": row.last_at}],
    }  # fmt: skip
    assert shown["worst"] is not None
    damaged = told(traits, msgspec.structs.replace(kept, evidence=b"{", offers=b"\xff"), DEFAULT)
    assert damaged == {**shown, "worst": None, "help": {"outcome": "accepted", "offers": []}}
    assert History().traits() == 7
    assert (mood_columns(History(), DEFAULT), history_row(History())) == (("", 0.0, "", 0, 7), None)
    named = told(traits, kept, Model.with_overrides({"label.frustrated": "stuck"}))["worst"]
    assert isinstance(named, dict)
    assert (named["mood"], named["label"]) == ("frustrated", "stuck")


@pytest.mark.parametrize("mood", [None, "frustrated", "satisfied"])
@pytest.mark.parametrize("was", [None, "frustrated", "bored"])
@pytest.mark.parametrize(
    "offered", [None, frozenset({"accepted"}), frozenset(OUTCOMES[2:]), frozenset(OUTCOMES[:2])]
)
def test_lists_choose_by_traits(mood: str | None, was: str | None, offered: frozenset[str] | None) -> None:
    wanted = wanted_traits(mood, was, offered)
    for traits in range(1 << 12):
        if traits & 7 == 6:
            continue
        right = (
            (mood is None or (traits & 7 < 6 and MOODS[traits & 7] == mood))
            and (was is None or was in moods_of(traits))
            and (offered is None or (outcome_of(traits) or "none") in offered)
        )
        assert right == (wanted is None or traits & wanted[0] in wanted[1])
