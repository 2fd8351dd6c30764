"""What an app would have been told: of those who felt so, how many were caught; of the others, how many falsely.

An app acts on the mood that is pushed, not on the scores. Beside what was pushed stands the decision curve, what any
other threshold would have caught and falsely told, and whether thresholds chosen on some sets serve another.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from app.lab.evaluation.calibration import expected_calibration_error
from app.lab.evaluation.labels import MOODS, READ
from app.lab.evaluation.measure import Measured

#: Fewer pushes say nothing of how true they are.
ENOUGH_PUSHES: Final = 20
#: What a share of false pushes costs, in shares of right ones: help and questions disturb, a hint hardly does.
PRICES: Final[Mapping[str, float]] = {
    "frustrated": 3.0,
    "bored": 2.0,
    "confused": 1.0,
    "curious": 1.0,
    "satisfied": 3.0,
}
#: A set in which a mood's peaks rank people no better than this (AUC) teaches no threshold, and tries none.
_READABLE: Final = 0.6
#: Of sessions, to bother with a curve.
_ENOUGH_SESSIONS: Final = 20
_POINTS: Final = 200


class Point(msgspec.Struct, frozen=True):
    """Shares in [0, 1] when a mood is told from the chance `threshold` on."""

    threshold: float
    caught: float
    false: float


class Delivered(msgspec.Struct):
    """What was pushed to sessions with and without a label. `caught`, `false`: shares of those who said yes, and no,
    that were told the mood at some time. `stated`: mean confidence of all such pushes, `true`: how many of them
    people confirmed, `error`: expected calibration error between the two, None of fewer than 20 pushes. `curve`:
    from the highest threshold to the lowest."""

    set: str
    label: str
    mood: str
    sessions: int
    caught: float | None
    false: float | None
    pushes: int
    stated: float | None
    true: float | None
    error: float | None
    curve: list[Point]


class LeftOut(msgspec.Struct):
    """A mood's threshold as the other sets would have it, tried on this one, beside the one of the model in use."""

    set: str
    label: str
    mood: str
    chosen: Point
    used: Point


def mood_of(label: str) -> str | None:
    """The mood that a label names and that can be pushed; engaged claims nothing, so that it is none."""
    read = READ.get(label, ())
    if len(read) != 1 or read[0][1] < 0 or read[0][0] == "engaged":
        return None
    return read[0][0]


def delivered(name: str, label: str, sessions: Sequence[Measured]) -> Delivered:
    """Of the sessions of a set that were asked; `label` must name a mood."""
    mood = mood_of(label)
    assert mood is not None
    told: dict[int, list[bool]] = {0: [], 1: []}
    stated: list[tuple[float, int, float]] = []
    for session in sessions:
        yes = int(session.labels[label] or 0)
        pushes = [change.confidence for change in session.replayed.changes if change.mood == mood]
        told[yes].append(bool(pushes))
        stated += [(confidence, yes, 1.0) for confidence in pushes]
    return Delivered(
        set=name,
        label=label,
        mood=mood,
        sessions=len(sessions),
        caught=_mean(told[1]),
        false=_mean(told[0]),
        pushes=len(stated),
        stated=_mean(confidence for confidence, _, _ in stated),
        true=_mean(yes for _, yes, _ in stated),
        error=expected_calibration_error(stated) if len(stated) >= ENOUGH_PUSHES else None,
        curve=curve([(session.top[mood], int(session.labels[label] or 0)) for session in sessions]),
    )


def curve(peaks: Sequence[tuple[float, int]]) -> list[Point]:
    """`peaks`: the highest chance of a mood in each session, and whether the person said so. Empty without both kinds
    of answers."""
    yes = sum(answer for _, answer in peaks)
    no = len(peaks) - yes
    if not yes or not no:
        return []
    points = []
    caught = false = 0
    ordered = sorted(peaks, reverse=True)
    for at, (peak, answer) in enumerate(ordered):
        caught += answer
        false += 1 - answer
        if at + 1 == len(ordered) or ordered[at + 1][0] < peak:
            points.append(Point(peak, caught / yes, false / no))
    step = max(1, len(points) // _POINTS)
    return points[::step] if points[-1] in points[::step] else [*points[::step], points[-1]]


def at_threshold(points: Sequence[Point], threshold: float) -> Point:
    """What a threshold catches on a curve."""
    reached = [point for point in points if point.threshold >= threshold]
    return reached[-1] if reached else Point(threshold, 0.0, 0.0)


def best_threshold(curves: Sequence[Sequence[Point]], price: float) -> float:
    """The threshold that catches most, less `price` times what it tells falsely, on average over the curves; the
    highest of equals. Raises ValueError without curves."""
    thresholds = sorted({point.threshold for points in curves for point in points}, reverse=True)

    def worth(threshold: float) -> float:
        reached = [at_threshold(points, threshold) for points in curves]
        return sum(point.caught - price * point.false for point in reached) / len(reached)

    return max(thresholds, key=worth)


def left_out(rows: Sequence[Delivered], thresholds: Mapping[str, float]) -> list[LeftOut]:
    """For each set: the thresholds that the others would choose. One label for each set and mood, the one with the
    clearest answers. `thresholds`: of each mood, those in use."""
    asked: dict[str, dict[str, Delivered]] = {}
    for row in sorted(rows, key=lambda row: (row.label.endswith("_extremes"), row.label in MOODS)):
        if row.sessions >= _ENOUGH_SESSIONS and _area(row.curve) > _READABLE:
            asked.setdefault(row.mood, {})[row.set] = row
    found = []
    for mood, sets in asked.items():
        for name, row in sets.items():
            others = [other.curve for set, other in sets.items() if set != name]
            if others:
                threshold = best_threshold(others, PRICES[mood])
                chosen = msgspec.structs.replace(at_threshold(row.curve, threshold), threshold=threshold)
                used = at_threshold(row.curve, thresholds[mood])
                used = msgspec.structs.replace(used, threshold=thresholds[mood])
                found.append(LeftOut(name, row.label, mood, chosen, used))
    return found


def _area(points: Sequence[Point]) -> float:
    """Under the curve of caught against false: the AUC of the peaks, by trapezes."""
    area = caught = false = 0.0
    for point in points:
        area += (point.false - false) * (point.caught + caught) / 2
        caught, false = point.caught, point.false
    return area


def _mean(values: Iterable[float]) -> float | None:
    held = list(values)
    return sum(held) / len(held) if held else None
