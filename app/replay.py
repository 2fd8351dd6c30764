"""Recorded sessions through the engine, on the recording's own clock: same events, same readings."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from app.mood import MOODS, Change, Model, MoodEngine, Offer
from app.recordings import Recording

Watcher = Callable[[MoodEngine, int, int], None]
"""Called with the engine, the time of a reading and how many ms it stands for."""


class ReplayedChange(msgspec.Struct):
    """A mood change; `at`: ms on the recording's clock."""

    at: int
    mood: str
    confidence: float
    suggested_action: str
    signals: list[str]


class ReplayedOffer(msgspec.Struct):
    """Help was due at `at` (ms)."""

    at: int


class Replayed(msgspec.Struct):
    """What came of a session. `events`: how many; `mean`: each mood's score, weighted by time (of a session
    of a single instant: its final one); `peak`: its highest; `final`: its last."""

    id: str
    events: int
    mean: dict[str, float]
    peak: dict[str, float]
    final: dict[str, float]
    changes: list[ReplayedChange]
    offers: list[ReplayedOffer]


def replay(recording: Recording, model: Model, watch: Watcher | None = None) -> Replayed:
    """Fold one recording. It ends with its last event, or `until`."""
    facts = recording.facts()
    begins = facts[0].at if facts and recording.started_at is None else recording.begins()
    run = _Run(MoodEngine(recording.id, begins, model), begins, watch)
    for fact in facts:
        if fact.at != run.now:
            run.pass_time(fact.at)
        run.note(run.engine.receive(fact))
    if recording.until is not None and recording.until > run.now:
        run.pass_time(recording.until)
    return run.result(recording.id, len(facts))


class _Run:
    """One session under way: the engine and the sums over the time it has seen."""

    def __init__(self, engine: MoodEngine, begins: int, watch: Watcher | None) -> None:
        self.engine = engine
        self.begins = begins
        self.now = begins
        self.watch = watch
        self.areas = [0.0] * len(MOODS)
        self.peaks = [0.0] * len(MOODS)
        self.changes: list[ReplayedChange] = []
        self.offers: list[ReplayedOffer] = []

    def note(self, news: Iterable[Change | Offer]) -> None:
        for item in news:
            if isinstance(item, Offer):
                self.offers.append(ReplayedOffer(item.at))
            elif item.previous is not None:  # the first reading is where it starts, not a change
                self.changes.append(
                    ReplayedChange(
                        item.at, item.mood, round(item.confidence, 4), item.suggested_action, item.signals
                    )
                )

    def pass_time(self, until: int) -> None:
        """Up to `until`, stopping wherever time alone may change the scores."""
        engine = self.engine
        while (due := engine.due_at()) is not None and due < until:
            self.hold(due)
            self.note(engine.advance(due))
        self.hold(until)

    def hold(self, until: int) -> None:
        """The scores stand as they are until then."""
        for_ms = until - self.now
        areas, peaks = self.areas, self.peaks
        for mood, score in enumerate(scores_of(self.engine)):
            areas[mood] += score * for_ms
            if score > peaks[mood]:
                peaks[mood] = score
        if self.watch is not None:
            self.watch(self.engine, self.now, for_ms)
        self.now = until

    def result(self, id: str, events: int) -> Replayed:
        self.hold(self.now)
        final = scores_of(self.engine)
        lasted = self.now - self.begins
        mean = [area / lasted for area in self.areas] if lasted else final
        return Replayed(
            id, events, _named(mean), _named(self.peaks), _named(final), self.changes, self.offers
        )


def strengths_of(engine: MoodEngine) -> list[float]:
    """Every signal's strength at the engine's last decision, in the order of `signals.NAMES`."""
    return engine.strengths()


def scores_of(engine: MoodEngine) -> list[float]:
    """Every mood's score at the engine's last decision, in the order of MOODS; even before the first."""
    return engine.scores or [1.0 / len(MOODS)] * len(MOODS)


def _named(scores: Sequence[float]) -> dict[str, float]:
    return {mood: round(score, 6) for mood, score in zip(MOODS, scores, strict=True)}
