"""Whether a number means what it says: of the readings at 0.8, about 80 % should be right."""

import math
from collections.abc import Sequence

import msgspec

#: (stated probability, label, weight); weight > 0, label 1 or 0
Statement = tuple[float, int, float]


class Bin(msgspec.Struct, frozen=True):
    """Statements between `low` and `high`: how many (by weight), what they said, what was true."""

    low: float
    high: float
    weight: float
    stated: float
    true: float


def reliability(statements: Sequence[Statement], bins: int = 10) -> list[Bin]:
    """Equal-width bins over [0, 1]; empty ones are left out."""
    weight = [0.0] * bins
    stated = [0.0] * bins
    true = [0.0] * bins
    for probability, label, share in statements:
        at = min(max(int(probability * bins), 0), bins - 1)
        weight[at] += share
        stated[at] += share * probability
        true[at] += share * label
    return [
        Bin(i / bins, (i + 1) / bins, weight[i], stated[i] / weight[i], true[i] / weight[i])
        for i in range(bins)
        if weight[i]
    ]


def expected_calibration_error(statements: Sequence[Statement], bins: int = 10) -> float | None:
    """Mean distance between stated and true, weighted by how often it was stated: 0 is perfect, in [0, 1].
    None without statements. (Naeini et al., AAAI 2015; 10 bins of equal width.)"""
    table = reliability(statements, bins)
    total = sum(row.weight for row in table)
    if not total:
        return None
    return sum(row.weight * abs(row.stated - row.true) for row in table) / total


def fit_logistic(
    points: Sequence[tuple[float, int]], ridge: float = 1.0, rounds: int = 50
) -> tuple[float, float]:
    """(slope, intercept) of the logistic curve through (score, label): Platt scaling by Newton's method. The
    slope is held towards 0 by `ridge`, so that a handful of people cannot make it steep."""
    slope, intercept = 0.0, 0.0
    for _ in range(rounds):
        g_slope, g_intercept = -ridge * slope, 0.0
        h_ss, h_si, h_ii = ridge, 0.0, 1e-9
        for score, label in points:
            p = _logistic(slope * score + intercept)
            error, variance = label - p, p * (1 - p)
            g_slope += error * score
            g_intercept += error
            h_ss += variance * score * score
            h_si += variance * score
            h_ii += variance
        determinant = h_ss * h_ii - h_si * h_si
        if determinant <= 0:
            break
        step_slope = (h_ii * g_slope - h_si * g_intercept) / determinant
        step_intercept = (h_ss * g_intercept - h_si * g_slope) / determinant
        slope += step_slope
        intercept += step_intercept
        if abs(step_slope) + abs(step_intercept) < 1e-9:
            break
    return slope, intercept


def recalibrated(rows: Sequence[tuple[object, float, int]], folds: int = 5) -> list[Statement]:
    """(person, score, label) -> what a logistic curve fitted on *other* people states for each."""
    people = list(dict.fromkeys(person for person, _, _ in rows))
    fold_of = {person: at % folds for at, person in enumerate(people)}
    statements: list[Statement] = []
    for fold in range(min(folds, len(people))):
        others = [(score, label) for person, score, label in rows if fold_of[person] != fold]
        slope, intercept = fit_logistic(others)
        statements += [
            (_logistic(slope * score + intercept), label, 1.0)
            for person, score, label in rows
            if fold_of[person] == fold
        ]
    return statements


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
