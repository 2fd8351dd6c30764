"""The engine's laws (DESIGN.md), each as a property of made-up histories."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mood import DEFAULT, MOODS, Change, Event, Model, MoodEngine, Offer, Reading
from tests.mood import oracle
from tests.mood.histories import START, copied, events, models
from tests.support.examples import tries

ENOUGH = tries(100)


def started(model: Model = DEFAULT) -> MoodEngine:
    return MoodEngine("session", START, model)


def told(happened: list[Change | Offer]) -> list[tuple[object, ...]]:
    return [
        (h.at, h.mood, h.previous, h.confidence, h.suggested_action, tuple(h.signals), h.event_count)
        if isinstance(h, Change)
        else (h.at, h.id, h.holdout)
        for h in happened
    ]


def shown(reading: Reading) -> tuple[object, ...]:
    because = tuple((b.signal, b.points, b.count, b.text) for b in reading.because)
    return (
        reading.mood, reading.confidence, reading.suggested_action, tuple(reading.signals), reading.event_count,
        tuple(reading.scores.items()), because, reading.since, reading.as_of, reading.previous,
    )  # fmt: skip


def played(history: list[Event], model: Model = DEFAULT) -> Iterator[tuple[MoodEngine, list[Change | Offer]]]:
    engine = started(model)
    for event in copied(history):
        yield engine, engine.receive(event)


@given(events())
@ENOUGH
def test_1_replay_gives_the_same_readings_bit_for_bit(history: list[Event]) -> None:
    first = [(told(news), shown(engine.reading(engine.last_at))) for engine, news in played(history)]
    again = [(told(news), shown(engine.reading(engine.last_at))) for engine, news in played(history)]
    assert first == again


@given(events(), st.randoms(use_true_random=False), st.integers(0, 1_200_000))
@ENOUGH
def test_2_asking_more_often_changes_nothing(history: list[Event], when: random.Random, rest: int) -> None:
    """Quiet: asked at each event only. Nosy: asked many times between, and a due time is never missed."""
    quiet, nosy = started(), started()
    end = history[-1].at + rest
    quiet_news: list[Change | Offer] = []
    nosy_news: list[Change | Offer] = []
    now = START
    for event in copied(history):
        quiet_news += quiet.receive(event)
    quiet_news += quiet.advance(end)
    steps: list[Event | None] = [*copied(history), None]
    for step in steps:
        until = end if step is None else step.at
        for _ in range(when.randrange(4)):
            now = when.randint(now, until)
            nosy_news += nosy.advance(now)
            if nosy.event_count:
                nosy.reading(now)
                nosy.state()
        nosy_news += nosy.advance(until) if step is None else nosy.receive(step)
        now = until
    assert told(nosy_news) == told(quiet_news)
    assert shown(nosy.reading(end)) == shown(quiet.reading(end))
    assert nosy.state() == quiet.state()


@given(events(), st.randoms(use_true_random=False), st.integers(0, 1_200_000))
@ENOUGH
def test_2_an_event_that_comes_late_counts_as_if_nobody_had_asked_before(
    history: list[Event], when: random.Random, rest: int
) -> None:
    """Late: the engine was asked about times after an event before that event came, as on a line that was down."""
    prompt, late = started(), started()
    end = history[-1].at + rest + 120_000
    for event in copied(history):
        prompt.receive(event)
    prompt.advance(end)
    for event in copied(history):
        if late.event_count:
            late.advance(event.at + when.randrange(120_000))
        at = event.at
        news = late.receive(event)
        assert event.at == at
        moods = [item.mood for item in news if isinstance(item, Change)]
        assert not moods or moods[-1] == late.reading(late.last_at).mood
    late.advance(end)
    assert shown(late.reading(end)) == shown(prompt.reading(end))
    assert late.state() == prompt.state()


@given(events())
@ENOUGH
def test_2_time_alone_changes_nothing_before_it_is_due(history: list[Event]) -> None:
    engine = started()
    for event in copied(history):
        engine.receive(event)
    for _ in range(200):
        due = engine.due_at()
        if due is None:
            break
        before = shown(engine.reading(due - 1))
        assert engine.advance(due - 1) == []
        assert shown(engine.reading(due - 1)) == before
        assert all(change.at == due for change in engine.advance(due))
    assert engine.due_at() is None
    assert engine.advance(engine.last_at + 10**10) == []


@given(events(size=14), models, st.integers(0, 900_000))
@ENOUGH
def test_3_scores_equal_a_naive_batch_scorer(history: list[Event], model: Model, rest: int) -> None:
    for i, (engine, _) in enumerate(played(history, model)):
        expected = oracle.scores(history[: i + 1], START, engine.last_at, model)
        assert engine.scores == pytest.approx(expected, rel=1e-6, abs=1e-9)
    engine.advance(history[-1].at + rest)
    expected = oracle.scores(history, START, engine.last_at, model)
    assert engine.scores == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(events(), st.integers(1, 10**9))
@ENOUGH
def test_5_time_never_runs_backwards(history: list[Event], back: int) -> None:
    """An event from the past counts as of now: the rest goes on as if it had come in time."""
    late, on_time = started(), started()
    for event in copied(history):
        late.receive(event)
    for event in copied(history):
        on_time.receive(event)
    stood = late.last_at
    news = late.receive(Event("click", stood - back))
    assert late.last_at == stood
    assert told(news) == told(on_time.receive(Event("click", stood)))
    assert late.state() == on_time.state()
    assert late.advance(stood - back) == []


@given(events(), models, st.randoms(use_true_random=False))
@ENOUGH
def test_6_order_within_a_millisecond_does_not_matter(
    history: list[Event], model: Model, shuffle: random.Random
) -> None:
    groups: dict[int, list[Event]] = {}
    for event in history:
        event.at -= event.at % 3000  # many events share a millisecond
        event.at = max(event.at, START)
        groups.setdefault(event.at, []).append(event)
    straight, mixed = started(model), started(model)
    for group in groups.values():
        for event in copied(group):
            straight.receive(event)
        turned = copied(group)
        shuffle.shuffle(turned)
        for event in turned:
            mixed.receive(event)
        assert mixed.scores == pytest.approx(straight.scores, rel=1e-9, abs=1e-12)
        one, other = straight.reading(straight.last_at), mixed.reading(mixed.last_at)
        assert (one.mood, one.since, one.previous) == (other.mood, other.since, other.previous)


@given(events(), st.integers(0, 300_000))
@ENOUGH
def test_7_the_evidence_sums_to_the_score(history: list[Event], rest: int) -> None:
    """Points of a mood are its raw score: a softmax over the raw scores of all moods is the scores."""
    engine = started()
    for event in copied(history):
        engine.receive(event)
    engine.advance(history[-1].at + rest)
    reading = engine.reading(engine.last_at)
    assert sum(reading.scores.values()) == pytest.approx(1)
    mood = MOODS.index(reading.mood)
    raw = engine.raw_scores()
    assert sum(b.points for b in reading.because) == pytest.approx(raw[mood], abs=1e-9)
    assert all(b.points != 0 and b.text and b.count >= 0 for b in reading.because)
    assert [b.signal for b in reading.because if b.points >= 0.1 and b.signal != "feedback"] == [
        s for s in reading.signals if s != "feedback"
    ]


@given(events(), st.integers(0, 24), st.integers(0, 60_000))
@ENOUGH
def test_a_snapshot_goes_on_bit_for_bit(history: list[Event], cut: int, rest: int) -> None:
    whole, parted = started(), started()
    for i, event in enumerate(copied(history)):
        whole.receive(event)
        parted.receive(copied([event])[0])
        if i == cut:
            parted.advance(event.at + rest)
            whole.advance(event.at + rest)
            parted = MoodEngine.restore(parted.state())
            assert shown(parted.reading(parted.last_at)) == shown(whole.reading(whole.last_at))
    assert parted.state() == whole.state()
    end = whole.last_at + 10**6
    assert told(parted.advance(end)) == told(whole.advance(end))
    assert shown(parted.reading(end)) == shown(whole.reading(end))
