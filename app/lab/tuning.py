"""A project's own weights and thresholds, from its own labels: fitted near the shipped ones, compared on held-out people.

How: for each mood that was asked about, a logistic regression (scikit-learn) explains the answers by the
shipped model's own verdict, the log-odds of its mean score, plus a correction for each signal that the shipped
model already counts for that mood. Only the corrections are penalised, so with little data they are zero and
the shipped weights stand. A correction of d log-odds is d x temperature points of weight. Where the shipped
verdict says nothing of these people, or the opposite, there is nothing to stay near to: the weights are then
fitted afresh, penalised towards zero. No weight changes its sign: what speaks for a mood keeps speaking for it.
With the new weights, each mood's chance and thresholds are fitted (`evaluation.thresholds`).
"""

from collections.abc import Callable, Sequence
from math import log
from typing import Any, Final

import msgspec

from app.lab.evaluation.answers import Piece
from app.lab.evaluation.heldout import Compared, Seen, compare, observe, ranked, sure_of, told
from app.lab.evaluation.labels import MOODS
from app.lab.evaluation.thresholds import fit_thresholds
from app.mood import DEFAULT, Model
from app.mood.signals.names import NAMES as SIGNALS

#: Fewer than this say nothing about other people.
MIN_SESSIONS: Final = 20
MIN_PEOPLE: Final = 5
#: Standard deviations, in log-odds, that a correction is believed to have; the data pick one.
PRIORS: Final = (0.1, 0.3, 1.0, 3.0)
#: Held-out AUC that a new model must win on average, and may lose for a single mood, to be offered.
WORTH: Final = 0.01
#: What the pushes must win on held-out people, in shares caught less the price of false ones, to be offered for
#: that alone.
WORTH_DELIVERED: Final = 0.05
#: Share caught that a mood may lose for that: to fall silent is no better telling.
LESS_CAUGHT: Final = 0.05
#: How often the gain must hold when people are drawn anew.
SURE: Final = 0.9
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


class Tuned(msgspec.Struct):
    """The new numbers and what they are worth. `gain`: held-out AUC over the shipped model, mean of the moods;
    `delivered`: held-out shares caught, less the price of false ones, over the shipped model, mean of the moods;
    `sure`, `sure_delivered`: how often, drawing people anew, these are above zero; `better`: whether to switch."""

    overrides: dict[str, float]
    compared: list[Compared]
    gain: float
    sure: float
    delivered: float
    sure_delivered: float
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
        overrides = fit_all(moods, [learned[at] for at in kept], [shipped[at] for at in kept])
        model = Model.with_overrides(overrides)
        for at, group in enumerate(people):
            if group == fold:
                tuned[at] = observe(learned[at], model)
    compared = [compare(mood, learned, shipped, tuned) for mood in moods]
    gains = [row.tuned_auc - row.shipped_auc for row in compared]
    gain = sum(gains) / len(gains)
    everybody = range(len(learned))
    sure = sure_of(moods, learned, shipped, tuned, ranked)
    sure_delivered = sure_of(moods, learned, shipped, tuned, told)
    values = [
        told(mood, learned, tuned, everybody) - told(mood, learned, shipped, everybody) for mood in moods
    ]
    delivered = sum(values) / len(values)
    calm = all(row.tuned_alarms <= row.shipped_alarms + MORE_ALARMS for row in compared)
    ranks = gain >= WORTH and sure >= SURE
    silent = any(row.tuned_caught < row.shipped_caught - LESS_CAUGHT for row in compared)
    tells = delivered >= WORTH_DELIVERED and sure_delivered >= SURE and not silent
    better = calm and min(gains) >= -WORTH and (ranks or tells)
    note("fitting on everybody")
    return Tuned(fit_all(moods, learned, shipped), compared, gain, sure, delivered, sure_delivered, better)


def fit_all(moods: Sequence[str], learned: Sequence[Piece], shipped: Sequence[Seen]) -> dict[str, float]:
    """Overrides of weights, then of the chances and thresholds that go with them."""
    overrides = fit(moods, learned, shipped)
    model = Model.with_overrides(overrides)
    seen = [observe(piece, model) for piece in learned] if overrides else shipped
    for mood in moods:
        at = MOODS.index(mood)
        peaks = [
            (own.tops[at], piece.said[mood])
            for piece, own in zip(learned, seen, strict=True)
            if mood in piece.said
        ]
        overrides |= fit_thresholds(mood, peaks, model)
    return overrides


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
