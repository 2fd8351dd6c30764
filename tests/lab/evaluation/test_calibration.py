import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.evaluation.calibration import (
    Statement,
    expected_calibration_error,
    fit_logistic,
    recalibrated,
    reliability,
)

statements = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 1), st.floats(0.01, 10)), min_size=1, max_size=40
)


@given(statements)
def test_the_error_is_the_weighted_distance_of_the_bins(rows: list[Statement]) -> None:
    total = sum(weight for _, _, weight in rows)
    expected = 0.0
    for low in range(10):
        inside = [row for row in rows if low == min(int(row[0] * 10), 9)]
        expected += abs(sum(w * (p - label) for p, label, w in inside)) / total
    assert expected_calibration_error(rows) == pytest.approx(expected)


@given(statements)
def test_no_weight_gets_lost_between_the_bins(rows: list[Statement]) -> None:
    assert sum(row.weight for row in reliability(rows)) == pytest.approx(sum(w for _, _, w in rows))


def test_a_true_statement_has_no_error_and_a_boast_has_all_of_it() -> None:
    honest: list[Statement] = [(0.75, 1, 1.0)] * 3 + [(0.75, 0, 1.0)]
    assert expected_calibration_error(honest) == 0
    assert expected_calibration_error([(1.0, 0, 1.0)]) == 1
    assert expected_calibration_error([]) is None


def test_the_logistic_fit_finds_the_curve_that_made_the_labels() -> None:
    from math import exp

    draw = random.Random(3)
    points = []
    for _ in range(4000):
        score = draw.uniform(-2, 2)
        points.append((score, int(draw.random() < 1 / (1 + exp(-(1.5 * score - 0.5))))))
    slope, intercept = fit_logistic(points)
    assert slope == pytest.approx(1.5, abs=0.15)
    assert intercept == pytest.approx(-0.5, abs=0.15)


def test_recalibration_never_learns_from_the_person_it_speaks_about() -> None:
    # each person's score tells only that person's label: a fit on the others cannot know it
    rows: list[tuple[object, float, int]] = [(person, float(person), person % 2) for person in range(40)]
    stated = recalibrated(rows)
    assert len(stated) == len(rows)
    alone = [
        probability for (probability, _, _), (person, _, _) in zip(recalibrated(rows, 40), rows, strict=True)
    ]
    for person, probability in enumerate(alone):
        flipped = [(who, score, 1 - label if who == person else label) for who, score, label in rows]
        assert recalibrated(flipped, 40)[person][0] == pytest.approx(probability)
