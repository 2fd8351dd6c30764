"""One labelled session through the engine, with what the evaluation needs to know of it."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

import msgspec

from app.lab.recordings import Recording
from app.lab.replay import Replayed, replay
from app.mood import MOODS, Model, MoodEngine
from app.mood.scoring import chance_of


class Held(msgspec.Struct):
    """A mood that a session was read as: for how many ms, and the mean confidence meanwhile."""

    for_ms: int
    confidence: float


class Measured(msgspec.Struct):
    """`person` of a recording without one is its id. `lasted_ms`: from the first event to the end. `chance`: what
    confidence would say of each mood, read so or not, weighted by time. `top`: the highest chance of each mood, as
    `enter` is compared with."""

    replayed: Replayed
    person: str | int
    labels: dict[str, float | None]
    events: int
    lasted_ms: int
    held: dict[str, Held]
    chance: dict[str, float]
    top: dict[str, float]

    @property
    def minutes(self) -> float:
        """At least a second: a rate of a single instant would be infinite."""
        return max(self.lasted_ms / 60_000, 1 / 60)


def measure(recording: Recording, model: Model, without: tuple[str, ...] = ()) -> Measured:
    """Raises KeyError for a `without` that is not in ABLATIONS."""
    for name in without:
        ABLATIONS[name](recording)
    watch = _Confidence()
    replayed = replay(recording, model, watch)
    times = [event.at for event in recording.events if event.at is not None]
    end = recording.until or max(times, default=0)
    return Measured(
        replayed,
        recording.id if recording.person is None else recording.person,
        recording.labels,
        len(recording.events),
        max(int(end - min(times, default=0)), 0),
        watch.held(),
        watch.chance(),
        watch.top(model),
    )


class _Confidence:
    """Watches what mood was read, how long, how surely."""

    def __init__(self) -> None:
        self._for_ms = [0] * len(MOODS)
        self._area = [0.0] * len(MOODS)
        self._chances = [0.0] * len(MOODS)
        self._last = [0.0] * len(MOODS)
        self._tops = [-inf] * len(MOODS)  # points

    def __call__(self, engine: MoodEngine, at: int, for_ms: int) -> None:
        if not engine.points:
            return
        self._last = engine.chances()
        self._tops = [max(pair) for pair in zip(self._tops, engine.points, strict=True)]
        read = engine.decision.mood
        self._for_ms[read] += for_ms
        self._area[read] += self._last[read] * for_ms
        for mood, chance in enumerate(self._last):
            self._chances[mood] += chance * for_ms

    def held(self) -> dict[str, Held]:
        return {
            mood: Held(for_ms, area / for_ms)
            for mood, for_ms, area in zip(MOODS, self._for_ms, self._area, strict=True)
            if for_ms
        }

    def top(self, model: Model) -> dict[str, float]:
        return {
            mood: chance_of(at, self._tops[at], model.curves[at].most, model)
            if self._tops[at] > -inf
            else 0.0
            for at, mood in enumerate(MOODS)
        }

    def chance(self) -> dict[str, float]:
        watched = sum(self._for_ms)
        chances = [total / watched for total in self._chances] if watched else self._last
        return dict(zip(MOODS, chances, strict=True))


def _without_response(recording: Recording) -> None:
    recording.events = [event for event in recording.events if event.type != "response"]
    recording.reports = [name for name in recording.reports if name != "response"]
    recording.reports_from = []


def _without_coordinates(recording: Recording) -> None:
    for event in recording.events:
        event.x = event.y = None


def _without_targets(recording: Recording) -> None:
    for event in recording.events:
        event.target = None


#: What a poorer client would not send, and how to take it out of a recording.
ABLATIONS: Final[Mapping[str, Callable[[Recording], None]]] = {
    "response": _without_response,
    "coordinates": _without_coordinates,
    "targets": _without_targets,
}
