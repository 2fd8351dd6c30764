"""From strengths to points to scores."""

from math import exp
from typing import Final

from app.mood.model import Model
from app.mood.signals import (
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
    rows = m.rows
    for signal, s in enumerate(strengths):
        if s != 0.0:
            row = rows[signal]
            a += s * row[0]
            b += s * row[1]
            c += s * row[2]
            d += s * row[3]
            e += s * row[4]
            f += s * row[5]
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


def chance_of(mood: int, points: float, m: Model) -> float:
    """How many of a hundred visitors with so many points for a mood would say that they feel so, as a share."""
    odds = (m.even[mood] - points) / m.spread[mood]
    return m.most[mood] / (1.0 + exp(min(odds, 50.0)))


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
