"""From strengths to points to scores."""

from math import exp
from typing import Final

from app.mood.model.model import Model
from app.mood.reading import FRUSTRATED, MOODS
from app.mood.strengths import Points, Strengths

#: A family counts as a sign of its own from this strength on.
_SIGN: Final = 0.3


# Written out for all signals: plain arithmetic is what both Python and mypyc do best.


def score(s: Strengths, m: Model, out: Points) -> None:
    """Put into `out` what the signals add to the raw score of each mood: the sums over all signals in the order of
    `names.NAMES`, less terms that are 0. Of friction only what is there is looked at; of the rest most is."""
    if not m.shipped_pairs:
        _score_any(s, m, out)
        return
    w = m.weighed
    frustrated = confused = bored = engaged = satisfied = 0.0
    if s.friction != 0.0:
        if s.rage_click != 0.0:
            frustrated += s.rage_click * w.rage_click.frustrated
            satisfied += s.rage_click * w.rage_click.satisfied
        if s.dead_click != 0.0:
            frustrated += s.dead_click * w.dead_click.frustrated
            confused += s.dead_click * w.dead_click.confused
            satisfied += s.dead_click * w.dead_click.satisfied
        if s.unanswered_clicks != 0.0:
            frustrated += s.unanswered_clicks * w.unanswered_clicks.frustrated
            satisfied += s.unanswered_clicks * w.unanswered_clicks.satisfied
        if s.slow_response != 0.0:
            frustrated += s.slow_response * w.slow_response.frustrated
        if s.error_click != 0.0:
            frustrated += s.error_click * w.error_click.frustrated
        if s.high_error_rate != 0.0:
            frustrated += s.high_error_rate * w.high_error_rate.frustrated
            confused += s.high_error_rate * w.high_error_rate.confused
        if s.thrashed_cursor != 0.0:
            frustrated += s.thrashed_cursor * w.thrashed_cursor.frustrated
        if s.back_and_forth != 0.0:
            confused += s.back_and_forth * w.back_and_forth.confused
        if s.repeated_actions != 0.0:
            frustrated += s.repeated_actions * w.repeated_actions.frustrated
            confused += s.repeated_actions * w.repeated_actions.confused
        if s.scroll_search != 0.0:
            confused += s.scroll_search * w.scroll_search.confused
        if s.form_struggle != 0.0:
            frustrated += s.form_struggle * w.form_struggle.frustrated
            confused += s.form_struggle * w.form_struggle.confused
        if s.hover_search != 0.0:
            confused += s.hover_search * w.hover_search.confused
    if s.long_idle != 0.0:
        engaged += s.long_idle * w.long_idle.engaged
        bored += s.long_idle * w.long_idle.bored
    skimming = s.skimming
    deep = s.deep_scroll
    pace = s.reading_pace
    exploring = s.exploring
    engaged += skimming * w.skimming.engaged
    engaged += s.active_clicks * w.active_clicks.engaged
    engaged += deep * w.deep_scroll.engaged
    engaged += pace * w.reading_pace.engaged
    bored += s.minimal_interaction * w.minimal_interaction.bored
    bored += skimming * w.skimming.bored
    bored += deep * w.deep_scroll.bored
    satisfied += pace * w.reading_pace.satisfied
    if s.dwell != 0.0:
        engaged += s.dwell * w.dwell.engaged
        satisfied += s.dwell * w.dwell.satisfied
    engaged += exploring * w.exploring.engaged
    if s.smooth_progress != 0.0:
        frustrated += s.smooth_progress * w.smooth_progress.frustrated
        engaged += s.smooth_progress * w.smooth_progress.engaged
        satisfied += s.smooth_progress * w.smooth_progress.satisfied
    if s.goal != 0.0:
        frustrated += s.goal * w.goal.frustrated
        satisfied += s.goal * w.goal.satisfied
    if s.recovered != 0.0:
        satisfied += s.recovered * w.recovered.satisfied
    if s.repeat_use != 0.0:
        frustrated += s.repeat_use * w.repeat_use.frustrated
        engaged += s.repeat_use * w.repeat_use.engaged
    engaged += s.arrived * w.arrived.engaged
    out.frustrated = frustrated
    out.engaged = engaged
    out.bored = bored
    out.confused = confused
    out.curious = 0.0 + exploring * w.exploring.curious
    out.satisfied = satisfied


def _score_any(s: Strengths, m: Model, out: Points) -> None:
    """The same where a project gives weight to a signal for a mood for which the shipped table gives it none."""
    points = [0.0] * len(MOODS)
    for strength, row in zip(s.listed(), m.rows, strict=True):
        if strength != 0.0:
            for mood in range(len(MOODS)):
                points[mood] += strength * row[mood]
    out.put(points)


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
