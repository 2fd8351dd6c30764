"""Recorded sessions through the engine, on the recording's own clock: same events, same readings."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from app.lab.recordings import Recording
from app.mood import MOODS, Change, Model, MoodEngine, Offer

#: The scores before the first event.
_NOTHING: Final = (0.0,) * len(MOODS)

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
    engine = MoodEngine(recording.id, begins, model)
    clock = _Clock(engine, begins, watch)
    note = clock.note
    for fact in facts:
        if fact.at > clock.now:
            clock.pass_time(fact.at)
        if news := engine.receive(fact):
            note(news)
    if recording.until is not None and recording.until > clock.now:
        clock.pass_time(recording.until)
        note(engine.advance(recording.until))
    return clock.result(recording.id, len(facts))


class _Clock:
    """Time passing over an engine, and what adds up meanwhile. A replay spends its time here and in the
    engine, so the six scores are written out."""

    def __init__(self, engine: MoodEngine, begins: int, watch: Watcher | None) -> None:
        self.engine = engine
        self.begins = begins
        self.now = begins
        self.watch = watch
        self.areas = [0.0] * len(MOODS)
        self.peaks = [0.0] * len(MOODS)
        self.changes: list[ReplayedChange] = []
        self.offers: list[ReplayedOffer] = []
        self.started = False

    def note(self, news: Iterable[Change | Offer]) -> None:
        for item in news:
            if isinstance(item, Offer):
                self.offers.append(ReplayedOffer(item.at))
            elif not self.started:
                self.started = True  # the first reading is where it starts, not a change
            else:
                self.changes.append(
                    ReplayedChange(
                        item.at, item.mood, round(item.confidence, 4), item.suggested_action, item.signals
                    )
                )

    def pass_time(self, until: int) -> None:
        """Up to `until`, stopping wherever time alone may change the scores."""
        engine, areas, peaks, now, watch = self.engine, self.areas, self.peaks, self.now, self.watch
        while now < until:
            a, b, c, d, e, f = engine.scores or _NOTHING
            due = engine.due_at()
            then = until if due is None or due > until else due
            for_ms = then - now
            areas[0] += a * for_ms
            areas[1] += b * for_ms
            areas[2] += c * for_ms
            areas[3] += d * for_ms
            areas[4] += e * for_ms
            areas[5] += f * for_ms
            if a > peaks[0]:
                peaks[0] = a
            if b > peaks[1]:
                peaks[1] = b
            if c > peaks[2]:
                peaks[2] = c
            if d > peaks[3]:
                peaks[3] = d
            if e > peaks[4]:
                peaks[4] = e
            if f > peaks[5]:
                peaks[5] = f
            if watch is not None:
                watch(engine, now, for_ms)
            now = then
            # what is due at `until` itself is left to whatever happens then
            if due is not None and due < until:
                self.note(engine.advance(due))
        self.now = until

    def result(self, id: str, events: int) -> Replayed:
        final = self.engine.scores or _NOTHING
        if self.watch is not None:
            self.watch(self.engine, self.now, 0)
        lasted = self.now - self.begins
        mean = [area / lasted for area in self.areas] if lasted else final
        peaks = [max(pair) for pair in zip(self.peaks, final, strict=True)]
        return Replayed(id, events, _named(mean), _named(peaks), _named(final), self.changes, self.offers)


def _named(scores: Sequence[float]) -> dict[str, float]:
    return {mood: round(score, 6) for mood, score in zip(MOODS, scores, strict=True)}
