"""From strengths to points to scores."""

from math import exp
from typing import Final

from app.mood.model.model import Model
from app.mood.reading import FRUSTRATED
from app.mood.signals.names import (
    COUNT,
    DEAD_CLICK,
    ERROR_CLICK,
    FORM_STRUGGLE,
    HIGH_ERROR_RATE,
    RAGE_CLICK,
    SLOW_RESPONSE,
    THRASHED_CURSOR,
    UNANSWERED_CLICKS,
)

#: A family counts as a sign of its own from this strength on.
_SIGN: Final = 0.3


# Written out for six moods: the hottest lines of the service, and plain arithmetic is what mypyc compiles best.


def points_of(strengths: list[float], m: Model) -> list[float]:
    """What the signals add to the raw score of each mood."""
    a = b = c = d = e = f = 0.0
    weighed = m.weighed
    for signal in range(COUNT):
        s = strengths[signal]
        if s != 0.0:
            row = weighed[signal]
            b += s * row.engaged
            if row.troubles:
                a += s * row.frustrated
                d += s * row.confused
            if row.pleases:
                f += s * row.satisfied
            if row.bores:
                c += s * row.bored
                e += s * row.curious
    return [a, b, c, d, e, f]


def softmax(points: list[float], temperature: float) -> list[float]:
    """Scores in (0, 1) that sum to 1; a lead of `temperature` points makes a mood e times likelier."""
    top = max(points)
    a = exp((points[0] - top) / temperature)
    b = exp((points[1] - top) / temperature)
    c = exp((points[2] - top) / temperature)
    d = exp((points[3] - top) / temperature)
    e = exp((points[4] - top) / temperature)
    f = exp((points[5] - top) / temperature)
    total = a + b + c + d + e + f
    return [a / total, b / total, c / total, d / total, e / total, f / total]


def chance_of(mood: int, points: float, most: float, m: Model) -> float:
    """How many of a hundred visitors with so many points for a mood would say that they feel so, as a share: `most`
    at best."""
    curve = m.curves[mood]
    odds = (curve.even - points) / curve.spread
    return most / (1.0 + exp(min(odds, 50.0)))


def most_frustrated(strengths: list[float], named: bool, m: Model) -> float:
    """How sure of frustration the evidence lets us be. Dead clicks that name neither a thing nor a place (`named`
    is False) may be a broken page or a bad aim: alone they are worth `most.blind`, and a second kind of trouble
    makes up for it."""
    s = strengths
    most = m.curves[FRUSTRATED].most
    if named or s[DEAD_CLICK] <= 0.0:
        return most
    other = max(s[RAGE_CLICK], s[UNANSWERED_CLICKS], s[ERROR_CLICK], s[HIGH_ERROR_RATE])
    other = max(other, s[SLOW_RESPONSE], s[FORM_STRUGGLE], s[THRASHED_CURSOR])
    return m.most_blind + (most - m.most_blind) * min(1.0, other / _SIGN)


def independent_friction(strengths: list[float], hammering: float) -> int:
    """How many kinds of trouble there are: clicks without effect, errors, waits, forms, a shaken pointer.
    `hammering`, in [0, 1]: rapid clicks that were seen to stay unanswered are two signs that agree, the hand's
    and the page's."""
    s = strengths
    kinds = 0
    if s[RAGE_CLICK] >= _SIGN or s[DEAD_CLICK] >= _SIGN or s[UNANSWERED_CLICKS] >= _SIGN:
        kinds += 1
    if hammering >= _SIGN:
        kinds += 1
    if s[ERROR_CLICK] >= _SIGN or s[HIGH_ERROR_RATE] >= _SIGN:
        kinds += 1
    if s[SLOW_RESPONSE] >= _SIGN:
        kinds += 1
    if s[FORM_STRUGGLE] >= _SIGN:
        kinds += 1
    if s[THRASHED_CURSOR] >= _SIGN:
        kinds += 1
    return kinds
