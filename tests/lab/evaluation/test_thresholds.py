import pytest

from app.lab.evaluation.thresholds import fit_thresholds
from app.mood import DEFAULT, MOODS, Model
from app.mood.scoring import chance_of

#: Points at which the shipped model enters frustration.
ENTRY = DEFAULT.curves[0].even + DEFAULT.curves[0].spread * DEFAULT.curves[0].enter


def people(*groups: tuple[int, int, float]) -> list[tuple[float, int]]:
    """(who said yes, who said no, their highest points)"""
    return [(points, int(at < yes)) for yes, no, points in groups for at in range(yes + no)]


def entered_at(model: Model, mood: str) -> float:
    own = model.curves[MOODS.index(mood)]
    return own.even + own.spread * own.enter


def test_what_is_stated_at_the_entry_is_what_people_there_say() -> None:
    fitted = fit_thresholds("frustrated", people((30, 6, ENTRY + 0.3), (6, 54, 0.0)), DEFAULT)
    model = Model.with_overrides(fitted)
    assert chance_of(0, entered_at(model, "frustrated"), model.curves[0].most, model) == pytest.approx(
        0.835, abs=0.01
    )
    assert fitted["leave.frustrated"] < fitted["enter.frustrated"]


def test_the_threshold_moves_where_that_is_clearly_worth_it_and_only_there() -> None:
    early = Model.with_overrides(fit_thresholds("frustrated", people((40, 2, 1.2), (2, 40, 0.2)), DEFAULT))
    assert 0.6 < entered_at(early, "frustrated") < 0.8
    near = Model.with_overrides(
        fit_thresholds("frustrated", people((40, 2, ENTRY + 0.2), (2, 40, 0.2)), DEFAULT)
    )
    assert entered_at(near, "frustrated") == pytest.approx(ENTRY, abs=0.02)


def test_a_false_push_costs_more_where_it_disturbs() -> None:
    mixed = people((20, 0, 3.0), (20, 15, 1.5), (0, 30, 0.1))
    careful = Model.with_overrides(fit_thresholds("satisfied", mixed, DEFAULT))
    bold = Model.with_overrides(fit_thresholds("curious", mixed, DEFAULT))
    assert entered_at(careful, "satisfied") > 1.6
    assert entered_at(bold, "curious") < 1.6


@pytest.mark.parametrize(
    ("mood", "peaks"),
    [
        ("engaged", people((20, 20, 1.0))),
        ("frustrated", people((20, 0, 1.0))),
        ("frustrated", people((20, 0, 0.0), (0, 20, 3.0))),
    ],
)
def test_nothing_is_fitted_where_nothing_can_be_said(mood: str, peaks: list[tuple[float, int]]) -> None:
    assert fit_thresholds(mood, peaks, DEFAULT) == {}
