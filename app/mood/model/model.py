"""The numbers as the engine uses them, checked once."""

from collections.abc import Mapping
from math import inf, log
from typing import Final

from app.mood.decay import rate_of
from app.mood.model.numbers import ACTIONS, MAX_POINTS, SETTINGS, WEIGHTS
from app.mood.reading import ENGAGED, MOODS
from app.mood.signals.names import COUNT, NAMES
from app.mood.strengths import Points

_DEFAULT_SETTINGS: Final = {s.name: s.value for s in SETTINGS}
_DEFAULT_WEIGHTS: Final = {f"{w.signal}.{w.mood}": w.points for w in WEIGHTS}
_BOUNDS: Final = {s.name: (s.low, s.high, s.unit) for s in SETTINGS}

#: Points that no rounding comes near.
_ROUNDING: Final = 1e-6


class Row:
    """What a signal at full strength adds to each mood: six numbers, which compiled code reads as such."""

    __slots__ = ("bored", "confused", "curious", "engaged", "frustrated", "satisfied")

    def __init__(self, points: list[float]) -> None:
        self.frustrated: float = points[0]
        self.engaged: float = points[1]
        self.bored: float = points[2]
        self.confused: float = points[3]
        self.curious: float = points[4]
        self.satisfied: float = points[5]


class Rows:
    """The row of each signal, by its name."""

    __slots__ = NAMES

    def __init__(self, rows: list[list[float]]) -> None:
        self.rage_click: Row = Row(rows[0])
        self.dead_click: Row = Row(rows[1])
        self.unanswered_clicks: Row = Row(rows[2])
        self.slow_response: Row = Row(rows[3])
        self.error_click: Row = Row(rows[4])
        self.high_error_rate: Row = Row(rows[5])
        self.thrashed_cursor: Row = Row(rows[6])
        self.back_and_forth: Row = Row(rows[7])
        self.repeated_actions: Row = Row(rows[8])
        self.scroll_search: Row = Row(rows[9])
        self.form_struggle: Row = Row(rows[10])
        self.hover_search: Row = Row(rows[11])
        self.long_idle: Row = Row(rows[12])
        self.minimal_interaction: Row = Row(rows[13])
        self.skimming: Row = Row(rows[14])
        self.active_clicks: Row = Row(rows[15])
        self.deep_scroll: Row = Row(rows[16])
        self.reading_pace: Row = Row(rows[17])
        self.dwell: Row = Row(rows[18])
        self.exploring: Row = Row(rows[19])
        self.smooth_progress: Row = Row(rows[20])
        self.goal: Row = Row(rows[21])
        self.recovered: Row = Row(rows[22])
        self.repeat_use: Row = Row(rows[23])
        self.arrived: Row = Row(rows[24])


class Curve:
    """From a mood's points to its chance, and its thresholds as log-odds, which rise straight with the points.
    Engaged is what is left: it claims nothing."""

    __slots__ = ("enter", "even", "leave", "most", "spread", "sure")

    def __init__(self, mood: str, v: Mapping[str, float]) -> None:
        calm = mood == MOODS[ENGAGED]
        self.even: float = v[f"even.{mood}"]
        self.spread: float = v[f"spread.{mood}"]
        self.most: float = v[f"most.{mood}"]
        self.enter: float = inf if calm else _log_odds(v[f"enter.{mood}"], self.most)
        self.leave: float = -inf if calm else _log_odds(v[f"leave.{mood}"], self.most)
        self.sure: float = _log_odds(v["sure"], self.most)


class Model:
    """One set of numbers. Built from the defaults, or from them with a project's overrides.

    `settings`, `weights`, `actions`: as the tables in `numbers`, with the overrides in place. `labels`: the words
    that are shown for the moods, their own names where nothing else is said.
    """

    def __init__(
        self,
        settings: Mapping[str, float],
        weights: Mapping[str, float],
        actions: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> None:
        self.settings: dict[str, float] = dict(settings)
        self.weights: dict[str, float] = dict(weights)
        self.actions: list[str] = [actions[mood] for mood in MOODS]
        self.labels: list[str] = [labels.get(mood, mood) for mood in MOODS]
        self.rows: list[list[float]] = [
            [self.weights.get(f"{name}.{mood}", 0.0) for mood in MOODS] for name in NAMES
        ]
        self.weighed: Rows = Rows(self.rows)
        #: no signal has weight for a mood for which the shipped table gives it none
        self.shipped_pairs: bool = all(
            name in _DEFAULT_WEIGHTS for name in self.weights if self.weights[name]
        )
        v = self.settings
        self.temperature: float = v["temperature"]
        self.curves: list[Curve] = [Curve(mood, v) for mood in MOODS]
        # fewer points than these are below a mood's entry for certain, however a division rounds
        self.floors: Points = Points()
        self.floors.put([curve.even + curve.spread * curve.enter - _ROUNDING for curve in self.curves])
        self.most_blind: float = min(v["most.blind"], v["most.frustrated"])
        self.lead: float = v["lead"]
        self.stay_ms: float = v["stay"] * 1000.0
        self.friction_rate: float = rate_of(v["half_life.friction"])
        self.confused_rate: float = rate_of(v["half_life.confused"])
        self.curious_rate: float = rate_of(v["half_life.curious"])
        self.engaged_rate: float = rate_of(v["half_life.engaged"])
        self.satisfied_rate: float = rate_of(v["half_life.satisfied"])
        self.bored_rate: float = rate_of(v["half_life.bored"])
        self.dwell_rate: float = rate_of(v["half_life.dwell"])
        self.trouble_from: float = v["trouble.from"]
        self.rage_clicks: float = v["rage.clicks"]
        self.rage_window_ms: float = v["rage.window"] * 1000.0
        self.rage_wait_ms: float = v["rage.wait"] * 1000.0
        self.usual_visitors: float = v["usual.visitors"]
        self.usual_verdicts: float = v["usual.verdicts"]
        self.usual_mute: float = v["usual.mute"]
        self.usual_works: float = v["usual.works"]
        self.usual_reliable: float = v["usual.reliable"]
        self.usual_worth: float = v["usual.worth"]
        self.usual_row: float = v["usual.row"]
        self.usual_patience: float = v["usual.patience"]
        # a burst is over when its hand rested for longer than a verdict on it may lag behind its last click
        self.burst_pause_ms: float = self.rage_window_ms + self.rage_wait_ms
        self.rage_radius: float = v["rage.radius"]
        self.rage_full: float = v["rage.full"]
        self.rage_burst: float = v["rage.burst"]
        self.rage_unknown: float = v["rage.unknown"]
        self.rage_blind: float = v["rage.blind"]
        self.rage_own: float = v["rage.own"]
        self.rage_answered: float = v["rage.answered"]
        self.dead_prior: float = v["dead.prior"]
        self.dead_full: float = v["dead.full"]
        self.stuck_from: float = v["stuck.from"]
        self.stuck_full: float = v["stuck.full"]
        self.missed_share: float = v["missed.share"]
        self.missed_tries: float = v["missed.tries"]
        self.silent_from: float = v["silent.from"]
        self.silent_apart: float = v["silent.apart"]
        self.silent_again_ms: float = v["silent.again"] * 1000.0
        self.silent_full: float = v["silent.full"]
        self.wait_fine_ms: float = v["wait.fine"] * 1000.0
        self.wait_painful_ms: float = v["wait.painful"] * 1000.0
        self.slow_full: float = v["slow.full"]
        self.good_half: float = v["good.half"]
        self.errors_window_ms: float = v["errors.window"] * 1000.0
        self.errors_soft_window_ms: float = v["errors.soft_window"] * 1000.0
        self.errors_click_full: float = v["errors.click_full"]
        self.errors_from: float = v["errors.from"]
        self.errors_full: float = v["errors.full"]
        self.errors_client: float = v["errors.client"]
        self.pages_quick_ms: float = v["pages.quick"] * 1000.0
        self.pages_back: float = v["pages.back"]
        self.pages_full: float = v["pages.full"]
        self.dwell_cap: float = v["pages.dwell_cap"]
        self.dwell_half: float = v["pages.dwell_half"]
        self.repeats_from: float = v["repeats.from"]
        self.repeats_full: float = v["repeats.full"]
        self.again_from: float = v["again.from"]
        self.again_full: float = v["again.full"]
        self.again_copies: float = v["again.copies"]
        self.scroll_step: float = v["scroll.step"]
        self.scroll_full: float = v["scroll.full"]
        self.pause_cap: float = v["reading.pause_cap"]
        self.reading_half: float = v["reading.half"]
        self.skim: float = v["reading.skim"]
        self.skim_prior: float = v["reading.skim_prior"]
        self.forms_full: float = v["forms.full"]
        self.field_long_ms: float = v["forms.long"] * 1000.0
        self.feedback_yes: float = v["feedback.yes"]
        self.feedback_no: float = v["feedback.no"]
        self.hover_long: float = v["hover.long"]
        self.hover_full: float = v["hover.full"]
        self.idle_from_ms: float = v["idle.from"] * 1000.0
        self.idle_full_ms: float = v["idle.full"] * 1000.0
        self.pace_half: float = v["pace.half"]
        self.minimal_half: float = v["minimal.half"]
        self.explore_half: float = v["explore.half"]
        self.warm_up_ms: float = v["help.warm_up"] * 1000.0
        self.hold_ms: float = v["help.hold"] * 1000.0
        self.gap_ms: float = v["help.gap"] * 1000.0
        self.cap: float = v["help.cap"]
        self.snooze_ms: float = v["help.snooze"] * 1000.0
        self.holdout: float = v["help.holdout"]

    @staticmethod
    def with_overrides(overrides: Mapping[str, object]) -> "Model":
        """The defaults with a project's own numbers, action names and labels in place.

        Keys: a setting (`rage.clicks`), `weight.SIGNAL.MOOD`, `action.MOOD`, or `label.MOOD`. Raises ValueError that
        names the key and what is allowed."""
        settings = dict(_DEFAULT_SETTINGS)
        weights = dict(_DEFAULT_WEIGHTS)
        actions = dict(ACTIONS)
        labels: dict[str, str] = {}
        for key, value in overrides.items():
            if key.startswith("action."):
                actions[_mood(key, key[7:])] = _name(key, value, "an action is a name")
            elif key.startswith("label."):
                labels[_mood(key, key[6:])] = _name(key, value, "a label is a text")
            elif key.startswith("weight."):
                signal, _, mood = key[7:].partition(".")
                if signal not in NAMES:
                    raise ValueError(f"{key}: there is no signal {signal!r}; known are {', '.join(NAMES)}")
                weights[f"{signal}.{_mood(key, mood)}"] = _number(
                    key, value, -MAX_POINTS, MAX_POINTS, "points"
                )
            elif key in settings:
                low, high, unit = _BOUNDS[key]
                settings[key] = _number(key, value, low, high, unit)
            else:
                raise ValueError(f"{key}: there is no such number; known are {', '.join(settings)}")
        for lower, upper in (
            ("errors.window", "errors.soft_window"),
            ("silent.from", "silent.full"),
            ("stuck.from", "stuck.full"),
            ("wait.fine", "wait.painful"),
            ("errors.from", "errors.full"),
            ("repeats.from", "repeats.full"),
            ("again.from", "again.full"),
            ("idle.from", "idle.full"),
        ):
            if settings[lower] >= settings[upper]:
                raise ValueError(f"{lower} ({settings[lower]:g}) must be below {upper} ({settings[upper]:g})")
        for mood in MOODS:
            if settings.get(f"leave.{mood}", 0.0) > settings.get(f"enter.{mood}", 0.0):
                raise ValueError(
                    f"leave.{mood} ({settings[f'leave.{mood}']:g}) must not be above enter.{mood} "
                    f"({settings[f'enter.{mood}']:g})"
                )
        return Model(settings, weights, actions, labels)


def _log_odds(chance: float, most: float) -> float:
    """How far above or below `even`, in spreads, a mood has this chance; infinite where it never or always has."""
    if chance >= most:
        return inf
    return log(chance / (most - chance)) if chance > 0.0 else -inf


def _mood(key: str, mood: str) -> str:
    if mood not in MOODS:
        raise ValueError(f"{key}: there is no mood {mood!r}; known are {', '.join(MOODS)}")
    return mood


def _name(key: str, value: object, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise ValueError(f"{key}: {what} of 1 to 64 characters, not {value!r}")
    return value


def _number(key: str, value: object, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{key}: a number is needed ({unit}), not {value!r}")
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{key}: {number:g} is outside {low:g} to {high:g} {unit}")
    return number


#: The shipped numbers.
DEFAULT: Final = Model.with_overrides({})
assert len(DEFAULT.rows) == COUNT
