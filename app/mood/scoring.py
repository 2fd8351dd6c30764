"""From strengths to points to scores."""

from math import exp
from typing import Final

from app.mood.model.model import Model, Row
from app.mood.reading import FRUSTRATED
from app.mood.signals.names import (
    ACTIVE_CLICKS,
    ARRIVED,
    BACK_AND_FORTH,
    DEAD_CLICK,
    DEEP_SCROLL,
    DWELL,
    ERROR_CLICK,
    EXPLORING,
    FORM_STRUGGLE,
    GOAL,
    HIGH_ERROR_RATE,
    HOVER_SEARCH,
    LONG_IDLE,
    MINIMAL_INTERACTION,
    RAGE_CLICK,
    READING_PACE,
    RECOVERED,
    REPEAT_USE,
    REPEATED_ACTIONS,
    SCROLL_SEARCH,
    SKIMMING,
    SLOW_RESPONSE,
    SMOOTH_PROGRESS,
    THRASHED_CURSOR,
    UNANSWERED_CLICKS,
)
from app.mood.strengths import Points, Strengths

#: A family counts as a sign of its own from this strength on.
_SIGN: Final = 0.3


# Written out for all signals and moods: plain arithmetic is what mypyc compiles best.


def points_of(s: Strengths, m: Model) -> Points:
    """What the signals add to the raw score of each mood."""
    out = Points()
    weighed = m.weighed
    if s.rage_click != 0.0:
        _add(s.rage_click, weighed[RAGE_CLICK], out)
    if s.dead_click != 0.0:
        _add(s.dead_click, weighed[DEAD_CLICK], out)
    if s.unanswered_clicks != 0.0:
        _add(s.unanswered_clicks, weighed[UNANSWERED_CLICKS], out)
    if s.slow_response != 0.0:
        _add(s.slow_response, weighed[SLOW_RESPONSE], out)
    if s.error_click != 0.0:
        _add(s.error_click, weighed[ERROR_CLICK], out)
    if s.high_error_rate != 0.0:
        _add(s.high_error_rate, weighed[HIGH_ERROR_RATE], out)
    if s.thrashed_cursor != 0.0:
        _add(s.thrashed_cursor, weighed[THRASHED_CURSOR], out)
    if s.back_and_forth != 0.0:
        _add(s.back_and_forth, weighed[BACK_AND_FORTH], out)
    if s.repeated_actions != 0.0:
        _add(s.repeated_actions, weighed[REPEATED_ACTIONS], out)
    if s.scroll_search != 0.0:
        _add(s.scroll_search, weighed[SCROLL_SEARCH], out)
    if s.form_struggle != 0.0:
        _add(s.form_struggle, weighed[FORM_STRUGGLE], out)
    if s.hover_search != 0.0:
        _add(s.hover_search, weighed[HOVER_SEARCH], out)
    if s.long_idle != 0.0:
        _add(s.long_idle, weighed[LONG_IDLE], out)
    if s.minimal_interaction != 0.0:
        _add(s.minimal_interaction, weighed[MINIMAL_INTERACTION], out)
    if s.skimming != 0.0:
        _add(s.skimming, weighed[SKIMMING], out)
    if s.active_clicks != 0.0:
        _add(s.active_clicks, weighed[ACTIVE_CLICKS], out)
    if s.deep_scroll != 0.0:
        _add(s.deep_scroll, weighed[DEEP_SCROLL], out)
    if s.reading_pace != 0.0:
        _add(s.reading_pace, weighed[READING_PACE], out)
    if s.dwell != 0.0:
        _add(s.dwell, weighed[DWELL], out)
    if s.exploring != 0.0:
        _add(s.exploring, weighed[EXPLORING], out)
    if s.smooth_progress != 0.0:
        _add(s.smooth_progress, weighed[SMOOTH_PROGRESS], out)
    if s.goal != 0.0:
        _add(s.goal, weighed[GOAL], out)
    if s.recovered != 0.0:
        _add(s.recovered, weighed[RECOVERED], out)
    if s.repeat_use != 0.0:
        _add(s.repeat_use, weighed[REPEAT_USE], out)
    if s.arrived != 0.0:
        _add(s.arrived, weighed[ARRIVED], out)
    return out


def _add(strength: float, row: Row, out: Points) -> None:
    out.engaged += strength * row.engaged
    if row.troubles:
        out.frustrated += strength * row.frustrated
        out.confused += strength * row.confused
    if row.pleases:
        out.satisfied += strength * row.satisfied
    if row.bores:
        out.bored += strength * row.bored
        out.curious += strength * row.curious


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


def most_frustrated(s: Strengths, named: bool, m: Model) -> float:
    """How sure of frustration the evidence lets us be. Dead clicks that name neither a thing nor a place (`named`
    is False) may be a broken page or a bad aim: alone they are worth `most.blind`, and a second kind of trouble
    makes up for it."""
    most = m.curves[FRUSTRATED].most
    if named or s.dead_click <= 0.0:
        return most
    other = max(s.rage_click, s.unanswered_clicks, s.error_click, s.high_error_rate)
    other = max(other, s.slow_response, s.form_struggle, s.thrashed_cursor)
    return m.most_blind + (most - m.most_blind) * min(1.0, other / _SIGN)


def independent_friction(s: Strengths, hammering: float) -> int:
    """How many kinds of trouble there are: clicks without effect, errors, waits, forms, a shaken pointer.
    `hammering`, in [0, 1]: rapid clicks that were seen to stay unanswered are two signs that agree, the hand's
    and the page's."""
    kinds = 0
    if s.rage_click >= _SIGN or s.dead_click >= _SIGN or s.unanswered_clicks >= _SIGN:
        kinds += 1
    if hammering >= _SIGN:
        kinds += 1
    if s.error_click >= _SIGN or s.high_error_rate >= _SIGN:
        kinds += 1
    if s.slow_response >= _SIGN:
        kinds += 1
    if s.form_struggle >= _SIGN:
        kinds += 1
    if s.thrashed_cursor >= _SIGN:
        kinds += 1
    return kinds
