import pytest

from app.lab.evaluation.delivered import Point, at_threshold, best_threshold, curve, delivered, left_out
from app.lab.evaluation.labels import MOODS
from app.lab.evaluation.measure import Measured, measure
from app.lab.evaluation.report import report
from app.lab.recordings import RecordedEvent, Recording
from app.lab.replay import Replayed, ReplayedChange
from app.mood import DEFAULT

FLAT = dict.fromkeys(MOODS, 0.1)


def session(yes: int, top: float, *pushed: float, label: str = "frustrated") -> Measured:
    """Somebody who said `yes` (1, 0), whose frustration reached the chance `top` and was pushed so surely."""
    changes = [ReplayedChange(0, "frustrated", confidence, "offer_help", []) for confidence in pushed]
    replayed = Replayed("s", 5, FLAT, FLAT, FLAT, [*changes, ReplayedChange(9, "bored", 0.6, "", [])], [])
    return Measured(replayed, "p", {label: float(yes)}, 5, 60_000, {}, FLAT, FLAT | {"frustrated": top})


def test_caught_and_false_count_sessions_and_confidence_counts_pushes() -> None:
    rows = [session(1, 0.9, 0.8, 0.9), session(1, 0.2), session(0, 0.9, 0.7)]
    rows += [session(0, 0.1) for _ in range(3)]
    told = delivered("made", "frustrated", rows)
    assert (told.sessions, told.caught, told.false, told.pushes) == (6, 0.5, 0.25, 3)
    assert told.stated == pytest.approx(0.8)
    assert told.true == pytest.approx(2 / 3)
    assert told.error is None


def test_the_error_of_confidence_needs_twenty_pushes() -> None:
    told = delivered("made", "frustrated", [session(int(at < 15), 0.9, 0.9) for at in range(20)])
    assert told.error == pytest.approx(0.15)


def test_the_curve_says_what_each_threshold_would_catch() -> None:
    points = curve([(0.9, 1), (0.8, 0), (0.8, 1), (0.3, 0)])
    assert points == [Point(0.9, 0.5, 0.0), Point(0.8, 1.0, 0.5), Point(0.3, 1.0, 1.0)]
    assert at_threshold(points, 0.85) == Point(0.9, 0.5, 0.0)
    assert at_threshold(points, 0.95) == Point(0.95, 0.0, 0.0)
    assert best_threshold([points], price=0.5) == 0.8
    assert best_threshold([points], price=3.0) == 0.9
    assert curve([(0.9, 1)]) == []


def test_a_long_curve_keeps_its_ends() -> None:
    points = curve([(at / 1000, at % 2) for at in range(1000)])
    assert len(points) <= 400
    assert (points[-1].caught, points[-1].false) == (1.0, 1.0)


def test_a_set_gets_the_threshold_of_the_others_and_one_that_cannot_be_read_teaches_none() -> None:
    good = [session(1, 0.8) for _ in range(15)] + [session(0, 0.4) for _ in range(15)]
    strict = [session(1, 0.9) for _ in range(15)] + [session(0, 0.7) for _ in range(15)]
    noise = [session(at % 2, at // 2 / 20) for at in range(40)]
    rows = [delivered(name, "frustrated", own) for name, own in (("a", good), ("b", strict), ("c", noise))]
    found = {row.set: row for row in left_out(rows, {"frustrated": 0.75})}
    assert set(found) == {"a", "b"}
    assert found["a"].chosen == Point(0.9, 0.0, 0.0)
    assert found["b"].chosen == Point(0.8, 1.0, 0.0)
    assert found["a"].used == Point(0.75, 1.0, 0.0)


def test_of_two_labels_the_clearer_is_tried() -> None:
    rows = []
    for name in ("a", "b"):
        for label in ("frustrated", "frustrated_or_not", "frustrated_extremes"):
            own = [session(at % 2, 0.3 + 0.4 * (at % 2), label=label) for at in range(20)]
            rows.append(delivered(name, label, own))
    assert {row.label for row in left_out(rows, {"frustrated": 0.5})} == {"frustrated_extremes"}


def test_the_engine_is_measured_to_its_peak() -> None:
    rage = [RecordedEvent(type="rage_click", at=1000 + at * 900, target=f"#pay{at}") for at in range(3)]
    errors = [RecordedEvent(type="error", at=1500 + at * 900) for at in range(2)]
    events = sorted([RecordedEvent(type="page_view", at=0, url="/"), *rage, *errors], key=lambda e: e.at or 0)
    visit = Recording(id="v", person="p", labels={"frustrated": 1.0}, events=events)
    seen = measure(visit, DEFAULT)
    assert seen.top["frustrated"] >= DEFAULT.settings["enter.frustrated"]
    (told,) = report([("made", seen)]).delivered
    assert (told.mood, told.caught, told.false) == ("frustrated", 1.0, None)
