"""Two models on the same people: what each made of them, and how surely the second is better."""

import random
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

import msgspec

from app.lab.evaluation.answers import Piece
from app.lab.evaluation.auc import Pair, auc, auc_within
from app.lab.evaluation.calibration import expected_calibration_error
from app.lab.evaluation.delivered import PRICES
from app.lab.evaluation.labels import MOODS
from app.lab.replay import replay
from app.mood import Model, MoodEngine
from app.mood.signals.names import NAMES as SIGNALS

#: Times that people are drawn anew.
_DRAWS: Final = 200
#: What a model is worth for a mood, of the pieces at these places; None where that cannot be said.
Worth = Callable[[str, Sequence[Piece], Sequence["Seen"], Sequence[int]], float | None]


class Seen(msgspec.Struct):
    """A piece under a model: each mood's mean score and each signal's mean strength, weighted by time, each mood's
    highest points, and the pushes: mood and confidence."""

    mean: dict[str, float]
    strengths: list[float]
    tops: list[float]
    pushes: list[tuple[str, float]]

    def told(self, mood: str) -> bool:
        """Whether the mood was pushed at some time."""
        return any(pushed == mood for pushed, _ in self.pushes)


class Compared(msgspec.Struct):
    """A mood on people that the new weights were not fitted on, shipped and tuned. `error`: expected
    calibration error of the mean score, `push_error` of the pushed confidence (None without pushes). `caught`: of
    those who said yes, the share told the mood at some time; `alarms`: of those who said no."""

    mood: str
    sessions: int
    people: int
    yes: int
    shipped_auc: float
    tuned_auc: float
    shipped_within: float | None
    tuned_within: float | None
    shipped_error: float
    tuned_error: float
    shipped_push_error: float | None
    tuned_push_error: float | None
    shipped_caught: float
    tuned_caught: float
    shipped_alarms: float
    tuned_alarms: float


def observe(piece: Piece, model: Model) -> Seen:
    """Run a piece through the engine."""
    watch = _Strengths()
    result = replay(piece.recording, model, watch)
    pushes = [(change.mood, change.confidence) for change in result.changes]
    return Seen(result.mean, watch.mean(), watch.tops, pushes)


def compare(mood: str, learned: Sequence[Piece], shipped: Sequence[Seen], tuned: Sequence[Seen]) -> Compared:
    asked = [at for at, piece in enumerate(learned) if mood in piece.said]

    def pairs(seen: Sequence[Seen]) -> dict[object, list[Pair]]:
        by_person: dict[object, list[Pair]] = {}
        for at in asked:
            by_person.setdefault(learned[at].person, []).append((seen[at].mean[mood], learned[at].said[mood]))
        return by_person

    def told(seen: Sequence[Seen], answer: int) -> float:
        answered = [at for at in asked if learned[at].said[mood] == answer]
        return sum(seen[at].told(mood) for at in answered) / len(answered)

    def push_error(seen: Sequence[Seen]) -> float | None:
        return expected_calibration_error(
            [
                (sure, learned[at].said[mood], 1.0)
                for at in asked
                for pushed, sure in seen[at].pushes
                if pushed == mood
            ]
        )

    before, after = pairs(shipped), pairs(tuned)
    flat_before = [pair for own in before.values() for pair in own]
    flat_after = [pair for own in after.values() for pair in own]
    return Compared(
        mood=mood,
        sessions=len(asked),
        people=len(before),
        yes=sum(yes for _, yes in flat_before),
        shipped_auc=auc(flat_before) or 0.0,
        tuned_auc=auc(flat_after) or 0.0,
        shipped_within=auc_within(before.values()),
        tuned_within=auc_within(after.values()),
        shipped_error=expected_calibration_error([(s, y, 1.0) for s, y in flat_before]) or 0.0,
        tuned_error=expected_calibration_error([(s, y, 1.0) for s, y in flat_after]) or 0.0,
        shipped_push_error=push_error(shipped),
        tuned_push_error=push_error(tuned),
        shipped_caught=told(shipped, 1),
        tuned_caught=told(tuned, 1),
        shipped_alarms=told(shipped, 0),
        tuned_alarms=told(tuned, 0),
    )


def ranked(mood: str, learned: Sequence[Piece], seen: Sequence[Seen], rows: Sequence[int]) -> float | None:
    return auc([(seen[at].mean[mood], learned[at].said[mood]) for at in rows if mood in learned[at].said])


def told(mood: str, learned: Sequence[Piece], seen: Sequence[Seen], rows: Sequence[int]) -> float:
    """The share of `rows` caught, less the price of those told falsely; 0 for a mood that is not pushed so."""
    if mood not in PRICES:
        return 0.0
    told: dict[int, list[bool]] = {0: [], 1: []}
    for at in rows:
        if mood in learned[at].said:
            told[learned[at].said[mood]].append(seen[at].told(mood))
    caught, false = (sum(told[answer]) / len(told[answer]) if told[answer] else 0.0 for answer in (1, 0))
    return caught - PRICES[mood] * false


def sure_of(
    moods: Sequence[str],
    learned: Sequence[Piece],
    shipped: Sequence[Seen],
    tuned: Sequence[Seen],
    worth: Worth,
) -> float:
    """Bootstrap by person of the mean gain: the share of draws above zero."""
    by_person: dict[str, list[int]] = {}
    for at, piece in enumerate(learned):
        by_person.setdefault(piece.person, []).append(at)
    people = list(by_person.values())
    draw = random.Random(7)  # noqa: S311 - a bootstrap, not a secret
    won = drawn = 0
    for _ in range(_DRAWS):
        rows = [at for own in draw.choices(people, k=len(people)) for at in own]
        gains = []
        for mood in moods:
            before = worth(mood, learned, shipped, rows)
            after = worth(mood, learned, tuned, rows)
            if before is not None and after is not None:
                gains.append(after - before)
        if gains:
            drawn += 1
            won += sum(gains) > 0
    return won / drawn if drawn else 0.0


class _Strengths:
    """Watches how strong each signal was, weighted by time."""

    def __init__(self) -> None:
        self._area = [0.0] * len(SIGNALS)
        self._for_ms = 0
        self._last = [0.0] * len(SIGNALS)
        self.tops = [-inf] * len(MOODS)  # points

    def __call__(self, engine: MoodEngine, at: int, for_ms: int) -> None:
        self._last = engine.strengths()
        if engine.points:
            self.tops = [max(pair) for pair in zip(self.tops, engine.points, strict=True)]
        self._for_ms += for_ms
        for signal, strength in enumerate(self._last):
            self._area[signal] += strength * for_ms

    def mean(self) -> list[float]:
        return [area / self._for_ms for area in self._area] if self._for_ms else self._last
