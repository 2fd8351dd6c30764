"""A project's own weights, from its own labels: fitted near the shipped ones, compared on held-out people.

How: for each mood that was asked about, a logistic regression (scikit-learn) explains the answers by the
shipped model's own verdict, the log-odds of its mean score, plus a correction for each signal that the shipped
model already counts for that mood. Only the corrections are penalised, so with little data they are zero and
the shipped weights stand. A correction of d log-odds is d x temperature points of weight. Where the shipped
verdict says nothing of these people, or the opposite, there is nothing to stay near to: the weights are then
fitted afresh, penalised towards zero. No weight changes its sign: what speaks for a mood keeps speaking for it.
"""

import random
from collections.abc import Callable, Sequence
from math import log
from typing import Any, Final

import msgspec

from app.evaluation.answers import Piece
from app.evaluation.auc import Pair, auc, auc_within
from app.evaluation.calibration import expected_calibration_error
from app.evaluation.labels import MOODS
from app.mood import DEFAULT, Model, MoodEngine
from app.mood.signals import NAMES as SIGNALS
from app.replay import replay

#: Fewer than this say nothing about other people.
MIN_SESSIONS: Final = 20
MIN_PEOPLE: Final = 5
#: Standard deviations, in log-odds, that a correction is believed to have; the data pick one.
PRIORS: Final = (0.1, 0.3, 1.0, 3.0)
#: Held-out AUC that a new model must win on average, and may lose for a single mood, to be offered.
WORTH: Final = 0.01
#: How often the gain must hold when people are drawn anew.
SURE: Final = 0.9
_DRAWS: Final = 200
#: Share of sessions that may be read as the mood wrongly, on top of what the shipped model gets wrong.
MORE_ALARMS: Final = 0.02
#: The verdict's own coefficient is not to be penalised: a feature this much larger is penalised this much
#: (squared) less.
_UNPENALISED: Final = 30.0
#: A coefficient of the verdict below this says: it tells nothing here.
_TRUSTED: Final = 0.1
_FOLDS: Final = 5


class TooLittle(Exception):
    """Not enough labels to tune by; the message says what is missing."""


class Seen(msgspec.Struct):
    """A piece under a model: each mood's mean score and each signal's mean strength, weighted by time, and the
    moods it changed to."""

    mean: dict[str, float]
    strengths: list[float]
    changed_to: set[str]


class Compared(msgspec.Struct):
    """A mood on people that the new weights were not fitted on, shipped and tuned. `error`: expected
    calibration error of the mean score. `alarms`: the share of sessions read as the mood at some time although
    the person said no."""

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
    shipped_alarms: float
    tuned_alarms: float


class Tuned(msgspec.Struct):
    """The new numbers and what they are worth. `gain`: held-out AUC over the shipped model, mean of the moods;
    `sure`: how often, drawing people anew, that is above zero; `better`: whether to switch."""

    overrides: dict[str, float]
    compared: list[Compared]
    gain: float
    sure: float
    better: bool


def tune(learned: Sequence[Piece], note: Callable[[str], None] = lambda text: None) -> Tuned:
    """Refit the weights of every mood that enough people were asked about. Raises TooLittle; ImportError
    without scikit-learn (the extra `tune`)."""
    moods = [mood for mood in MOODS if _enough(mood, learned)]
    if not moods:
        raise TooLittle(_what_is_missing(learned))
    note("reading the recordings")
    shipped = [observe(piece, DEFAULT) for piece in learned]
    tuned = list(shipped)
    people = _folds([piece.person for piece in learned])
    for fold in range(max(people) + 1):
        note(f"holding out group {fold + 1} of {max(people) + 1}")
        kept = [at for at, group in enumerate(people) if group != fold]
        overrides = fit(moods, [learned[at] for at in kept], [shipped[at] for at in kept])
        model = Model.with_overrides(overrides)
        for at, group in enumerate(people):
            if group == fold:
                tuned[at] = observe(learned[at], model)
    compared = [_compare(mood, learned, shipped, tuned) for mood in moods]
    gains = [row.tuned_auc - row.shipped_auc for row in compared]
    gain = sum(gains) / len(gains)
    sure = _sure(moods, learned, shipped, tuned)
    calm = all(row.tuned_alarms <= row.shipped_alarms + MORE_ALARMS for row in compared)
    better = calm and gain >= WORTH and min(gains) >= -WORTH and sure >= SURE
    note("fitting on everybody")
    return Tuned(fit(moods, learned, shipped), compared, gain, sure, better)


def observe(piece: Piece, model: Model) -> Seen:
    """Run a piece through the engine."""
    watch = _Strengths()
    result = replay(piece.recording, model, watch)
    return Seen(result.mean, watch.mean(), {change.mood for change in result.changes})


def fit(moods: Sequence[str], learned: Sequence[Piece], seen: Sequence[Seen]) -> dict[str, float]:
    """Overrides of weights, rounded to 0.1 points; unchanged weights are left out."""
    overrides: dict[str, float] = {}
    for mood in moods:
        rows = [(piece, own) for piece, own in zip(learned, seen, strict=True) if mood in piece.said]
        weights = {s: DEFAULT.weights[f"{s}.{mood}"] for s in SIGNALS if DEFAULT.weights.get(f"{s}.{mood}")}
        answers = [piece.said[mood] for piece, _ in rows]
        if len(set(answers)) < 2:
            continue
        log_odds = _fitted(
            [_log_odds(own.mean[mood]) for _, own in rows],
            [[own.strengths[SIGNALS.index(s)] for s in weights] for _, own in rows],
            [old / DEFAULT.temperature for old in weights.values()],
            answers,
            [piece.person for piece, _ in rows],
        )
        for (signal, old), fitted in zip(weights.items(), log_odds, strict=True):
            new = round(fitted * DEFAULT.temperature, 1)
            new = max(min(new, 10.0), 0.0) if old > 0 else min(max(new, -10.0), 0.0)
            if abs(new - old) >= 0.05:
                overrides[f"weight.{signal}.{mood}"] = new
    return overrides


def _fitted(
    verdicts: Sequence[float],
    strengths: Sequence[Sequence[float]],
    shipped: Sequence[float],
    answers: Sequence[int],
    people: Sequence[object],
) -> list[float]:
    """Log-odds for each signal at full strength; `shipped`: what they are now."""
    import numpy as np

    signals = np.array(strengths).reshape(len(answers), -1)
    truth = np.array(answers)
    groups = np.array(_folds(people))
    with_verdict = np.column_stack([np.array(verdicts) * _UNPENALISED, signals])
    trust, *corrections = _coefficients(with_verdict, truth, groups)
    trust *= _UNPENALISED
    if trust < _TRUSTED:
        return _coefficients(signals, truth, groups)
    return [old + correction / trust for old, correction in zip(shipped, corrections, strict=True)]


def _coefficients(inputs: Any, truth: Any, groups: Any) -> list[float]:
    """A logistic regression, as strongly penalised as serves people held out best."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    def fitted(prior: float, rows: Any) -> Any:
        # C is the inverse of the penalty: the variance of the belief
        model = LogisticRegression(C=prior**2, solver="newton-cholesky", max_iter=1000)
        return model.fit(inputs[rows], truth[rows])

    def loss(prior: float) -> float:
        total = 0.0
        for fold in range(max(groups) + 1):
            train, test = groups != fold, groups == fold
            if len(set(truth[train])) == 2:
                chances = fitted(prior, train).predict_proba(inputs[test])
                total -= float(np.log(np.clip(chances[np.arange(test.sum()), truth[test]], 1e-9, 1)).sum())
        return total

    everybody = np.ones(len(truth), dtype=bool)
    return [float(value) for value in fitted(min(PRIORS, key=loss), everybody).coef_[0]]


def _compare(mood: str, learned: Sequence[Piece], shipped: Sequence[Seen], tuned: Sequence[Seen]) -> Compared:
    asked = [at for at, piece in enumerate(learned) if mood in piece.said]

    def pairs(seen: Sequence[Seen]) -> dict[object, list[Pair]]:
        by_person: dict[object, list[Pair]] = {}
        for at in asked:
            by_person.setdefault(learned[at].person, []).append((seen[at].mean[mood], learned[at].said[mood]))
        return by_person

    def alarms(seen: Sequence[Seen]) -> float:
        denied = [at for at in asked if not learned[at].said[mood]]
        return sum(mood in seen[at].changed_to for at in denied) / len(denied)

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
        shipped_alarms=alarms(shipped),
        tuned_alarms=alarms(tuned),
    )


def _sure(
    moods: Sequence[str], learned: Sequence[Piece], shipped: Sequence[Seen], tuned: Sequence[Seen]
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
            asked = [at for at in rows if mood in learned[at].said]
            before = auc([(shipped[at].mean[mood], learned[at].said[mood]) for at in asked])
            after = auc([(tuned[at].mean[mood], learned[at].said[mood]) for at in asked])
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

    def __call__(self, engine: MoodEngine, at: int, for_ms: int) -> None:
        self._last = engine.strengths()
        self._for_ms += for_ms
        for signal, strength in enumerate(self._last):
            self._area[signal] += strength * for_ms

    def mean(self) -> list[float]:
        return [area / self._for_ms for area in self._area] if self._for_ms else self._last


def _folds(people: Sequence[object]) -> list[int]:
    """A group for each row, all rows of a person in one; people are dealt out in order of appearance."""
    order = {person: at for at, person in enumerate(dict.fromkeys(people))}
    groups = min(_FOLDS, len(order))
    return [order[person] % groups for person in people]


def _enough(mood: str, learned: Sequence[Piece]) -> bool:
    rows = [piece for piece in learned if mood in piece.said]
    answers = {piece.said[mood] for piece in rows}
    return (
        len(rows) >= MIN_SESSIONS
        and len({piece.person for piece in rows}) >= MIN_PEOPLE
        and len(answers) == 2
    )


def _what_is_missing(learned: Sequence[Piece]) -> str:
    counts = []
    for mood in MOODS:
        rows = [piece for piece in learned if mood in piece.said]
        if rows:
            yes = sum(piece.said[mood] for piece in rows)
            people = len({piece.person for piece in rows})
            counts.append(f"{mood}: {len(rows)} sessions of {people} people, {yes} yes")
    return (
        f"tuning a mood needs {MIN_SESSIONS} sessions of {MIN_PEOPLE} people with both answers; "
        f"there are {'; '.join(counts) or 'no labels and no feedback events'}"
    )


def _log_odds(score: float) -> float:
    clipped = min(max(score, 1e-3), 1 - 1e-3)
    return log(clipped / (1 - clipped))
