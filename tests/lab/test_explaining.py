from itertools import pairwise
from math import log
from pathlib import Path

import pytest

from app.lab.explaining import clock, explain
from app.lab.recordings import RecordedEvent, Recording, recordings
from app.lab.replay import replay
from app.mood import DEFAULT, MOODS

OURS = Path(__file__).parent.parent / "recordings"


def one(name: str) -> Recording:
    ((_, recording),) = recordings([str(OURS / f"{name}.jsonl")])
    return recording


@pytest.mark.parametrize("name", MOODS)
def test_the_spans_tell_the_whole_session_in_the_order_of_its_changes(name: str) -> None:
    recording = one(name)
    explanation = explain(recording, DEFAULT)
    spans = explanation.spans
    assert spans[0].start == 0
    assert spans[-1].end == explanation.lasted
    for before, after in pairwise(spans):
        assert before.end == after.start
        assert before.mood != after.mood
    result = replay(one(name), DEFAULT)
    assert [span.mood for span in spans[1:]] == [change.mood for change in result.changes]
    assert name in [span.mood for span in spans]


@pytest.mark.parametrize("name", MOODS)
def test_the_points_of_every_second_sum_to_the_score(name: str) -> None:
    explanation = explain(one(name), DEFAULT)
    assert explanation.seconds
    finals = explain(one(name), DEFAULT).seconds[-1]
    result = replay(one(name), DEFAULT)
    points = sum(share.points for share in finals.shares)
    # softmax: the log of two scores differs by the difference of their points
    other = next(mood for mood in MOODS if mood != finals.mood)
    others = log(result.final[finals.mood] / result.final[other]) * DEFAULT.temperature
    rest = points - others
    assert rest == pytest.approx(_points(one(name), other), abs=0.02)


def _points(recording: Recording, mood: str) -> float:
    from app.mood import MoodEngine

    facts = recording.facts()
    engine = MoodEngine(recording.id, facts[0].at, DEFAULT)
    for fact in facts:
        engine.receive(fact)
    return engine.raw_scores()[MOODS.index(mood)]


def test_a_support_person_reads_what_happened() -> None:
    sentences = " ".join(span.sentence for span in explain(one("frustrated"), DEFAULT).spans)
    assert "the visitor was frustrated: " in sentences
    assert "rapid clicks" in sentences
    assert "Help was due at 00:2" in sentences
    assert "every visit starts as engaged" not in sentences


def test_help_that_comes_while_the_visitor_waits_is_told_once_it_is_due() -> None:
    stuck = Recording(id="stuck", started_at=0, events=[])
    stuck.events = [
        RecordedEvent(type, at=10_000 + n) for n, type in enumerate(("page_view", *["rage_click"] * 4))
    ]
    (due,) = explain(stuck, DEFAULT).offers
    assert due > explain(stuck, DEFAULT).lasted
    assert f"Help was due at {clock(due)}." in explain(stuck, DEFAULT).spans[-1].sentence
    assert explain(stuck, DEFAULT, now=int(due * 1000)).offers == [due]
    assert explain(stuck, DEFAULT, now=int(due * 1000) - 1).offers == []


def test_the_seconds_name_what_happened() -> None:
    seconds = explain(one("frustrated"), DEFAULT).seconds
    assert any("click #pay" in second.happened for second in seconds)
    assert [second.at for second in seconds] == sorted({second.at for second in seconds})


def test_a_session_of_one_instant() -> None:
    explanation = explain(Recording(id="a", events=[RecordedEvent(type="click", at=5)]), DEFAULT)
    assert [span.sentence[:20] for span in explanation.spans] == ["At 00:00 the visitor"]
    assert explanation.lasted == 0


def test_nothing_to_explain() -> None:
    with pytest.raises(ValueError, match="nothing in it"):
        explain(Recording(id="a", events=[]), DEFAULT)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "00:00"), (75.9, "01:15"), (3599, "59:59"), (3675, "1:01:15"), (90000, "25:00:00")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
