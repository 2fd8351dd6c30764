import random

import pytest

from app.lab.evaluation.answers import pieces
from app.lab.evaluation.heldout import observe
from app.lab.recordings import RecordedEvent, Recording
from app.lab.tuning import MIN_PEOPLE, MIN_SESSIONS, TooLittle, fit, tune
from app.mood import DEFAULT, Model
from tests.support.labelled import site


def test_it_learns_what_this_sites_people_mind_and_proves_it_on_others() -> None:
    tuned = tune(pieces(site(people=12, sessions=4)))
    (row,) = tuned.compared
    assert (row.mood, row.sessions, row.people, row.yes) == ("frustrated", 48, 12, 24)
    assert row.shipped_auc < 0.2
    assert row.tuned_auc > row.shipped_auc + 0.2
    assert (
        tuned.overrides["weight.unanswered_clicks.frustrated"]
        < DEFAULT.weights["unanswered_clicks.frustrated"]
    )
    assert tuned.better


def test_no_weight_changes_its_sign_or_is_more_than_a_tenth_fine() -> None:
    weights = [(k, v) for k, v in tune(pieces(site(12, 4))).overrides.items() if k.startswith("weight.")]
    assert weights
    for key, value in weights:
        shipped = DEFAULT.weights[key.removeprefix("weight.")]
        assert value * shipped >= 0
        assert value == round(value, 1)


def test_labels_that_follow_nothing_are_no_reason_to_change() -> None:
    draw = random.Random(4)
    noise = site(12, 4)
    for _, recording in noise:
        recording.labels = {"frustrated": float(draw.random() < 0.5)}
    assert not tune(pieces(noise)).better


@pytest.mark.parametrize(("people", "sessions"), [(MIN_PEOPLE - 1, 20), (5, MIN_SESSIONS // 5 - 1)])
def test_too_little_is_refused_with_what_is_missing(people: int, sessions: int) -> None:
    with pytest.raises(TooLittle, match=rf"frustrated: {people * sessions} sessions of {people} people"):
        tune(pieces(site(people, sessions)))


def test_one_answer_only_is_too_little() -> None:
    rows = site(12, 4)
    for _, recording in rows:
        recording.labels = {"frustrated": 1.0}
    with pytest.raises(TooLittle, match="48 yes"):
        tune(pieces(rows))
    with pytest.raises(TooLittle, match="no labels and no feedback"):
        tune(pieces([]))


def test_feedback_events_are_labels_of_what_was_before_them() -> None:
    events = [
        RecordedEvent(type="click", at=0),
        RecordedEvent(type="feedback", at=10, name="frustrated", value=1),
        RecordedEvent(type="click", at=20),
        RecordedEvent(type="feedback", at=30, name="bored", value=0),
        RecordedEvent(type="feedback", at=40, name="hungry", value=1),
        RecordedEvent(type="click", at=50),
    ]
    found = pieces([("visits", Recording(id="a", events=events))])
    assert [(piece.said, [event.at for event in piece.recording.events]) for piece in found] == [
        ({"frustrated": 1}, [0]),
        ({"bored": 0}, [0, 20]),
    ]
    assert len({piece.person for piece in found}) == 1


def test_the_engine_never_sees_the_answers() -> None:
    events = [
        RecordedEvent(type="click", at=0),
        RecordedEvent(type="feedback", at=9, name="frustrated", value=1),
    ]
    (piece,) = pieces([("visits", Recording(id="a", person="p", labels={"satisfied": 0}, events=events))])
    assert piece.said == {"satisfied": 0}
    assert [event.type for event in piece.recording.events] == ["click"]
    assert (piece.recording.labels, piece.recording.person) == ({}, None)


def test_labels_of_other_names_count_for_their_mood_and_its_own_name_first() -> None:
    def said(**labels: float) -> dict[str, int]:
        recording = Recording(id="a", labels=dict(labels), events=[RecordedEvent(type="click", at=0)])
        return {mood: answer for piece in pieces([("x", recording)]) for mood, answer in piece.said.items()}

    assert said(dissatisfied=1) == {"satisfied": 0}
    assert said(dissatisfied=1, satisfied=1) == {"satisfied": 1}
    assert said(satisfied=1, dissatisfied=1) == {"satisfied": 1}
    assert said(hard=1) == {}


def test_people_of_different_sets_are_different_people() -> None:
    events = [RecordedEvent(type="click", at=0)]
    rows = [(name, Recording(id="a", person=0, labels={"bored": 1}, events=events)) for name in ("x", "y")]
    assert len({piece.person for piece in pieces(rows)}) == 2


def test_fitting_is_the_same_every_time() -> None:
    learned = pieces(site(8, 4))
    seen = [observe(piece, DEFAULT) for piece in learned]
    assert fit(["frustrated"], learned, seen) == fit(["frustrated"], learned, seen)


def test_it_learns_thresholds_and_proves_them_by_what_would_be_pushed() -> None:
    tuned = tune(pieces(site(people=12, sessions=4)))
    (row,) = tuned.compared
    assert row.tuned_caught >= row.shipped_caught
    assert row.tuned_alarms < row.shipped_alarms
    assert tuned.delivered > 0.05
    assert tuned.sure_delivered > 0.9
    assert any(key.startswith(("even.", "enter.")) for key in tuned.overrides)
    model = Model.with_overrides(tuned.overrides)
    assert model.settings["leave.frustrated"] <= model.settings["enter.frustrated"]
