"""The moments at which time alone may change a mood: a subset of the 1 s grid from the session's start."""

from typing import Final

STEP_MS: Final = 1000
#: After the last event: every second for 10 s, every 5 s for 2 minutes, every 30 s for 15 minutes.
_FINE_MS: Final = 10_000
_MIDDLE_MS: Final = 120_000
_COARSE_MS: Final = 900_000


def first_after(start: int, last: int) -> int:
    """The first moment of the grid that is at least a second after the last event."""
    return start + -(-(last + STEP_MS - start) // STEP_MS) * STEP_MS


def next_after(start: int, last: int, moment: int) -> int:
    """The moment of the grid that follows `moment` (one of the grid itself, or `last`); -1 when time has
    nothing more to change."""
    first = first_after(start, last)
    if moment < first:
        return first
    age = moment - first
    if age < _FINE_MS:
        return moment + STEP_MS
    if age < _MIDDLE_MS:
        return moment + 5 * STEP_MS
    if age < _COARSE_MS:
        return moment + 30 * STEP_MS
    return -1
