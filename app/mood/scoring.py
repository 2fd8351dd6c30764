"""From strengths to points to scores."""

from math import exp
from typing import Final

from app.mood.model import Model
from app.mood.signals import (
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


def points_of(strengths: list[float], m: Model) -> list[float]:
    """What the signals add to the raw score of each mood."""
    a = b = c = d = e = f = 0.0
    rows = m.rows
    for i in range(COUNT):
        s = strengths[i]
        if s != 0.0:
            row = rows[i]
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
    grown = [exp((p - top) / temperature) for p in points]
    total = 0.0
    for g in grown:
        total += g
    return [g / total for g in grown]


def confidence_of(mood: int, score: float, m: Model) -> float:
    """How many of a hundred readings of this mood with this score people would confirm, as a share."""
    low, half, high = m.confidence[mood]
    if score < 0.5:
        return low + (half - low) * score * 2.0
    return half + (high - half) * (score - 0.5) * 2.0


def independent_friction(strengths: list[float]) -> int:
    """How many kinds of trouble there are: clicks without effect, errors, waits, forms, a shaken pointer."""
    s = strengths
    kinds = 0
    if s[RAGE_CLICK] >= _SIGN or s[DEAD_CLICK] >= _SIGN or s[UNANSWERED_CLICKS] >= _SIGN:
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
