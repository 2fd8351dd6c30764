import pytest

from app.lab.evaluation.labels import MOODS, is_ordinary, read_score
from app.lab.evaluation.measure import ABLATIONS, Held, Measured, measure
from app.lab.evaluation.picture import draw
from app.lab.evaluation.report import report
from app.lab.recordings import RecordedEvent, Recording
from app.lab.replay import Replayed, ReplayedChange, ReplayedOffer
from app.mood import DEFAULT
from app.mood import MOODS as ENGINE_MOODS

FLAT = dict.fromkeys(MOODS, 0.1)


def session(
    person: int, frustrated: float, label: int | None, minutes: float = 1.0, changes: int = 0
) -> Measured:
    scores = FLAT | {"frustrated": frustrated}
    return Measured(
        Replayed(
            "s", 5, scores, scores, scores,
            [ReplayedChange(0, "frustrated", 0.9, "offer_help", [])] * changes,
            [ReplayedOffer(0)] if changes else [],
        ),
        person,
        {} if label is None else {"frustrated": float(label)},
        5,
        round(minutes * 60_000),
        {"frustrated": Held(30_000, frustrated)},
        FLAT | {"frustrated": frustrated},
        FLAT | {"frustrated": frustrated},
    )  # fmt: skip


def test_ranking_stands_beside_a_stopwatch() -> None:
    # the score ranks three of four pairs right; length alone all of them, the wrong way round
    rows = [
        session(1, 0.8, 1, 1.0),
        session(1, 0.2, 0, 3.0),
        session(2, 0.3, 1, 2.0),
        session(2, 0.4, 0, 4.0),
    ]
    full = report([("made", row) for row in rows])
    (ranking,) = full.ranking
    assert (ranking.sessions, ranking.people, ranking.positives) == (4, 2, 2)
    assert ranking.auc == 0.75
    assert ranking.within == 0.5
    # 1 and 2 minutes against 3 and 4: the shorter the more frustrated
    assert ranking.stopwatch == 1.0
    assert ranking.stopwatch_within == 1.0
    assert ranking.gain == -0.25


def test_calibration_compares_what_was_stated_with_what_people_said() -> None:
    rows = [session(at, 0.75, int(at % 4 != 0)) for at in range(20)]
    (row,) = report([("made", row) for row in rows]).calibration
    assert row.confidence == pytest.approx(0)
    assert row.score == pytest.approx(0)
    assert row.chance == pytest.approx(0)
    assert row.share == 0.5
    boast = [session(at, 0.95, 0) for at in range(10)]
    (row,) = report([("made", row) for row in boast]).calibration
    assert row.confidence == pytest.approx(0.95)
    assert [(b.low, b.true) for b in row.bins] == [(0.9, 0.0)]


def test_alarms_count_in_ordinary_sessions_only() -> None:
    rows = [session(1, 0.9, None, 2.0, 2), session(2, 0.1, None, 2.0), session(3, 0.9, 1, 1.0, 9)]
    (ordinary,) = report([("made", row) for row in rows]).ordinary
    assert ordinary.sessions == 2
    assert (ordinary.frustrated, ordinary.offered) == (0.5, 0.5)
    assert ordinary.changes_per_minute == 0.5
    assert ordinary.changes_per_minute_median == 0.5


def test_sets_are_kept_apart() -> None:
    full = report([("a", session(1, 0.9, 1)), ("a", session(1, 0.1, 0)), ("b", session(1, 0.5, None))])
    assert [row.set for row in full.ranking] == ["a"]
    assert [row.set for row in full.ordinary] == ["b"]
    assert (full.sessions, full.events) == (3, 15)


def test_a_label_of_several_sets_is_also_calibrated_over_all_of_them() -> None:
    rows = [(name, session(at, 0.5, at % 2)) for name in ("a", "b") for at in range(10)]
    full = report(rows)
    assert [(row.set, row.sessions) for row in full.calibration] == [("a", 10), ("b", 10), ("all", 20)]


@pytest.mark.parametrize(
    ("labels", "events", "ordinary"),
    [
        ({}, 3, True),
        ({}, 2, False),
        ({"satisfied": 1}, 9, True),
        ({"satisfied": 0}, 9, False),
        ({"frustrated": 1}, 9, False),
        ({"ordinary": 1}, 9, True),
    ],
)
def test_what_is_ordinary(labels: dict[str, float | None], events: int, ordinary: bool) -> None:
    assert is_ordinary(labels, events) is ordinary


def test_labels_read_the_engines_moods() -> None:
    assert MOODS == ENGINE_MOODS
    scores = FLAT | {"satisfied": 0.5, "confused": 0.2}
    assert read_score("satisfied", scores) == 0.5
    assert read_score("dissatisfied", scores) == -0.5
    assert read_score("hard", scores) == pytest.approx(0.3)


def test_measure_weighs_confidence_by_time() -> None:
    events = [RecordedEvent(type="page_view", at=1000), RecordedEvent(type="page_view", at=61_000)]
    row = measure(Recording(id="a", events=events, person="p", labels={"bored": 1}), DEFAULT)
    assert (row.person, row.events, row.lasted_ms) == ("p", 2, 60_000)
    assert sum(held.for_ms for held in row.held.values()) == 60_000
    assert all(0 < held.confidence < 1 for held in row.held.values())
    assert measure(Recording(id="a", events=events), DEFAULT).person == "a"


def test_ablations_take_out_what_a_poorer_client_would_not_send() -> None:
    def full() -> Recording:
        events = [
            RecordedEvent(type="click", at=0, target="#a", x=1, y=2),
            RecordedEvent(type="response", at=9, value=9),
        ]
        return Recording(id="a", reports=["response", "dead_click"], events=events)

    poorer = {}
    for name, take_out in ABLATIONS.items():
        poorer[name] = full()
        take_out(poorer[name])
    assert [event.type for event in poorer["response"].events] == ["click"]
    assert poorer["response"].reports == ["dead_click"]
    assert (poorer["coordinates"].events[0].x, poorer["coordinates"].events[0].y) == (None, None)
    assert poorer["coordinates"].events[0].target == "#a"
    assert poorer["targets"].events[0].target is None
    assert poorer["targets"].events[0].x == 1


@pytest.mark.parametrize(("ending", "magic"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_the_picture_is_a_picture(
    ending: str, magic: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [("made", session(at, 0.1 * (at % 9), int(at % 9 > 4))) for at in range(30)]
    path = tmp_path_factory.mktemp("picture") / f"accuracy{ending}"
    draw(report(rows), rows, path)
    assert path.read_bytes().startswith(magic)
    if ending == ".svg":
        assert "made: frustrated - yes" in path.read_text().replace("<!-- ", "")
