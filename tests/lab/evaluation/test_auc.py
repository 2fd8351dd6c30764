from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lab.evaluation.auc import Pair, auc, auc_within, interval

# few distinct scores, so that ties are common
pairs = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]), st.integers(0, 1)), max_size=30)


def counted(rows: list[Pair]) -> float | None:
    """The definition: every positive against every negative."""
    ones = [score for score, label in rows if label]
    zeros = [score for score, label in rows if not label]
    if not ones or not zeros:
        return None
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(ones, zeros)) / (
        len(ones) * len(zeros)
    )


@given(pairs)
def test_auc_is_the_count_over_all_pairs(rows: list[Pair]) -> None:
    assert auc(rows) == pytest.approx(counted(rows))


@given(pairs)
def test_turning_the_scores_around_turns_the_auc_around(rows: list[Pair]) -> None:
    forward = auc(rows)
    backward = auc([(-score, label) for score, label in rows])
    if forward is None:
        assert backward is None
    else:
        assert backward == pytest.approx(1 - forward)


@given(st.lists(pairs, max_size=6))
def test_within_compares_a_person_with_nobody_else(people: list[list[Pair]]) -> None:
    won = compared = 0.0
    for rows in people:
        for (a, yes), (b, no) in product(rows, rows):
            if yes and not no:
                won += 1.0 if a > b else 0.5 if a == b else 0.0
                compared += 1
    assert auc_within(people) == pytest.approx(won / compared if compared else None)


def test_the_interval_holds_the_value_and_narrows_with_people() -> None:
    def crowd(size: int) -> list[list[Pair]]:
        # three of four people are ranked right, one wrong
        return [[(0.6, 1), (0.4, 0)] if person % 4 else [(0.4, 1), (0.6, 0)] for person in range(size)]

    few, many = interval(crowd(12)), interval(crowd(120))
    assert few is not None
    assert many is not None
    assert few[0] <= many[0] <= 0.75 <= many[1] <= few[1]
    assert many[1] - many[0] < few[1] - few[0]


def test_no_interval_without_both_kinds() -> None:
    assert interval([[(0.5, 1)]]) is None
    assert interval([]) is None
