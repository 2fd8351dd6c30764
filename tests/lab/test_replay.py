from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.recordings import RecordedEvent, Recording, recordings
from app.lab.replay import replay
from app.mood import DEFAULT, MOODS, Change, MoodEngine

OURS = Path(__file__).parent.parent / "recordings"
TYPES = ["click", "response", "scroll", "page_view", "error", "rage_click", "idle", "hover"]

# on a coarse clock, so that the naive sum below needs few steps
visits = st.lists(
    st.tuples(st.sampled_from(TYPES), st.integers(0, 60), st.sampled_from(["#a", "#b", None])),
    min_size=1,
    max_size=25,
)
STEP_MS = 500


def visit(steps: list[tuple[str, int, str | None]]) -> Recording:
    now = 0
    events = []
    for type, pause, target in steps:
        now += pause * STEP_MS
        events.append(RecordedEvent(type=type, at=now, target=target, value=50.0))
    return Recording(id="made", events=events, reports=["response"])


@given(visits)
def test_the_mean_is_weighted_by_time(steps: list[tuple[str, int, str | None]]) -> None:
    recording = visit(steps)
    result = replay(recording, DEFAULT)
    # the naive way: ask at every step of the clock, add up
    engine = MoodEngine("made", 0 if not recording.events else int(recording.events[0].at or 0), DEFAULT)
    facts = recording.facts()
    begins, ends = facts[0].at, facts[-1].at
    sums = [0.0] * len(MOODS)
    for now in range(begins, ends, STEP_MS):
        while facts and facts[0].at <= now:
            engine.receive(facts.pop(0))
        engine.advance(now)
        for mood, score in enumerate(engine.scores):
            sums[mood] += score * STEP_MS
    for fact in facts:
        engine.receive(fact)
    final = engine.scores
    mean = [total / (ends - begins) for total in sums] if ends > begins else final
    assert list(result.mean.values()) == pytest.approx(mean, abs=1e-6)
    assert list(result.final.values()) == pytest.approx(final, abs=1e-6)
    assert all(result.peak[mood] >= result.final[mood] for mood in MOODS)


@given(visits)
def test_changes_are_those_of_the_engine_the_first_reading_left_out(
    steps: list[tuple[str, int, str | None]],
) -> None:
    recording = visit(steps)
    facts = recording.facts()
    engine = MoodEngine("made", facts[0].at, DEFAULT)
    news = [item for fact in facts for item in engine.receive(fact)]
    changes = [item for item in news if isinstance(item, Change)]
    assert changes[0].previous is None
    assert [(c.at, c.mood) for c in replay(recording, DEFAULT).changes] == [
        (c.at, c.mood) for c in changes[1:]
    ]


def test_it_goes_on_after_the_last_event_only_where_the_recording_says_so() -> None:
    recording = Recording(id="a", events=[RecordedEvent(type="page_view", at=0)])
    assert replay(recording, DEFAULT).changes == []
    watched = msgspec.structs.replace(recording, until=600_000)
    assert [change.mood for change in replay(watched, DEFAULT).changes] == ["bored"]


def test_a_session_without_events_has_no_scores() -> None:
    result = replay(Recording(id="a", events=[]), DEFAULT)
    assert (result.events, result.changes, result.offers) == (0, [], [])
    assert set(result.mean.values()) == set(result.final.values()) == {0.0}


@pytest.mark.parametrize("path", sorted(OURS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_twice_the_same_bit_for_bit(path: Path) -> None:
    for _, recording in recordings([str(path)]):
        assert msgspec.json.encode(replay(recording, DEFAULT)) == msgspec.json.encode(
            replay(recording, DEFAULT)
        )


def test_everything_at_once_is_an_alarm_all_the_same() -> None:
    types = ["page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click"]
    recording = Recording(id="a", events=[RecordedEvent(type=type, at=7) for type in types])
    result = replay(recording, DEFAULT)
    assert [(change.at, change.mood) for change in result.changes] == [(7, "frustrated")]
    assert result.mean == result.final == result.peak
    assert result.mean["frustrated"] > 0.8
