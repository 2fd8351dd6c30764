"""Fading: every count of the engine loses half of itself in a half-life."""

from math import exp
from typing import Final

LN2: Final = 0.6931471805599453
_NOTHING: Final = 1e-290


def rate_of(half_life: float) -> float:
    """The fading rate per millisecond of a half-life in seconds (> 0)."""
    return LN2 / (half_life * 1000.0)


# Everywhere the sign goes with the time, not with the rate: one step less in plain Python, and the same number.


def kept(rate: float, since: int, now: int) -> float:
    """The share in (0, 1] that is left at `now` of what was counted at `since` (both ms)."""
    if now <= since:
        return 1.0
    return exp(rate * (since - now))


def faded(count: float, left: float) -> float:
    """What is left of a count. What nobody could tell from nothing is nothing: the smallest numbers that there are never
    fade away, and take many times as long to reckon with (a session without them, seven hours on, was a tenth slower)."""
    count *= left
    return count if count > _NOTHING else 0.0


def ramp(value: float, start: float, full: float) -> float:
    """0 up to `start`, 1 from `full` on, straight between."""
    if value <= start:
        return 0.0
    if value >= full:
        return 1.0
    return (value - start) / (full - start)
