"""The engine as its callers meet it."""

import pytest

from app.mood import MOODS, REPORTS_RESPONSE, Change, Event, Model, MoodEngine, Offer, reports_mask
from tests.mood import oracle


def at_once(*types: str, gap: int = 0) -> MoodEngine:
    engine = MoodEngine("s", 1_000_000)
    for i, type in enumerate(types):
        engine.receive(Event(type, 1_000_000 + i * gap))
    return engine


@pytest.mark.parametrize("gap", [0, 3, 1000, 3000])
def test_the_contracts_example_reads_frustrated(gap: int) -> None:
    types = ("page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click")
    engine = at_once(*types, gap=gap)
    reading = engine.reading(engine.last_at)
    assert reading.mood == "frustrated"
    assert reading.suggested_action == "offer_help"
    assert "rage_click" in reading.signals
    assert 0.5 < reading.confidence <= 1
    assert reading.scores["frustrated"] > 0.8
    assert reading.event_count == 8


def test_three_rage_clicks_and_two_errors_push_frustrated_at_once() -> None:
    engine = MoodEngine("s", 0)
    happened: list[Change | Offer] = []
    for type in ("rage_click", "rage_click", "rage_click", "error", "error"):
        happened += engine.receive(Event(type, 500))
    moods = [change.mood for change in happened if isinstance(change, Change)]
    assert moods[-1] == "frustrated"
    assert engine.reading(500).mood == "frustrated"


@pytest.mark.parametrize("gap", [0, 20, 200, 1000])
@pytest.mark.parametrize("placed", [False, True])
def test_sixty_plain_clicks_of_a_plain_client_stay_calm(gap: int, placed: bool) -> None:
    engine = MoodEngine("s", 0)
    for i in range(60):
        place = ("#pay", 120.0, 340.0) if placed else (None, None, None)
        engine.receive(Event("click", i * gap, *place))
        reading = engine.reading(i * gap)
        assert reading.mood != "frustrated"
        assert reading.scores["frustrated"] < 0.3


def test_the_first_event_gives_a_reading_of_low_confidence() -> None:
    engine = MoodEngine("s", 0)
    happened = engine.receive(Event("click", 0))
    assert [type(h) for h in happened] == [Change]
    reading = engine.reading(0)
    assert reading.previous is None
    assert reading.confidence < 0.5
    assert sum(reading.scores.values()) == pytest.approx(1)
    assert list(reading.scores) == list(MOODS)


def test_before_the_first_event_there_is_no_reading() -> None:
    engine = MoodEngine("s", 0)
    assert engine.due_at() is None
    assert engine.advance(10_000_000) == []
    with pytest.raises(ValueError, match="nothing is known"):
        engine.reading(10_000_000)


def test_unknown_types_are_counted_and_nothing_else() -> None:
    engine = at_once("click")
    before = engine.reading(1_000_000)
    assert engine.receive(Event("swipe", 1_000_000)) == []
    after = engine.reading(1_000_000)
    assert after.event_count == before.event_count + 1
    assert after.scores == before.scores


def test_silence_becomes_boredom_and_then_costs_nothing() -> None:
    engine = MoodEngine("s", 0)
    engine.receive(Event("page_view", 0, target="home"))
    happened = []
    decisions = 0
    while (due := engine.due_at()) is not None:
        decisions += 1
        happened += engine.advance(due)
    assert decisions < 100
    assert [change.mood for change in happened if isinstance(change, Change)] == ["bored"]
    settled = engine.reading(10**12)
    assert engine.advance(10**12) == []
    assert engine.reading(10**12).as_of == settled.as_of


def test_actions_and_numbers_can_be_a_projects_own() -> None:
    model = Model.with_overrides({"action.frustrated": "open_chat", "rage.clicks": 5})
    engine = MoodEngine("s", 0, model)
    for _ in range(3):
        engine.receive(Event("rage_click", 0))
    assert engine.reading(0).suggested_action == "open_chat"


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"rage.click": 3}, "rage.click: there is no such number"),
        ({"rage.clicks": 1}, "rage.clicks: 1 is outside 2 to 20 clicks"),
        ({"rage.clicks": "4"}, "rage.clicks: a number is needed"),
        ({"rage.clicks": True}, "rage.clicks: a number is needed"),
        ({"weight.rage_click.angry": 1}, "there is no mood 'angry'"),
        ({"weight.rage.frustrated": 1}, "there is no signal 'rage'"),
        ({"action.bored": ""}, "action.bored: an action is a name"),
        ({"wait.fine": 9}, "wait.fine"),
        ({"temperature": float("nan")}, "temperature"),
    ],
)
def test_a_wrong_override_is_refused_by_name(overrides: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Model.with_overrides(overrides)


def test_a_snapshot_of_another_version_is_refused() -> None:
    state = at_once("click").state()
    with pytest.raises(ValueError, match="snapshot of version"):
        MoodEngine.restore([99, *state[1:]])
    with pytest.raises(ValueError, match="does not fit"):
        MoodEngine.restore([state[0], [], *state[2:]])


def test_a_damaged_snapshot_is_refused_whichever_part_it_is() -> None:
    """It is read from its log then: nothing of it may be believed."""
    state = at_once("click", "rage_click", "error").state()
    for part in range(1, len(state)):
        with pytest.raises(ValueError, match="does not fit"):
            MoodEngine.restore([*state[:part], 5, *state[part + 1 :]])
    clicks = state[2]
    assert isinstance(clicks, list)
    for part in range(len(clicks)):
        with pytest.raises(ValueError, match="does not fit"):
            MoodEngine.restore([*state[:2], [*clicks[:part], 5, *clicks[part + 1 :]], *state[3:]])
    with pytest.raises(ValueError, match="does not fit"):
        MoodEngine.restore([*state, "more"])


def test_an_event_says_what_it_knows() -> None:
    assert repr(Event("click", 5)) == "Event('click', 5)"
    usual = (9.0, 9.0, 1.0, 1.0, 9.0)
    event = Event("click", 5, "#a", 1.0, 2.0, 3.0, "k", "n", 4.0, "/u", 1, usual)
    assert repr(event) == (
        "Event('click', 5, target='#a', x=1.0, y=2.0, value=3.0, kind='k', name='n', dy=4.0, url='/u', reports=1, "
        "usual=(9.0, 9.0, 1.0, 1.0, 9.0))"
    )


def test_promises_that_nobody_knows_promise_nothing() -> None:
    assert reports_mask(["response", "tea"]) == reports_mask(["response"]) == REPORTS_RESPONSE
    assert reports_mask([]) == 0


def test_a_project_may_weigh_a_signal_for_a_mood_that_has_none_of_it() -> None:
    model = Model.with_overrides({"weight.goal.confused": 10.0, "weight.rage_click.bored": 0.5})
    plain, own = MoodEngine("s", 0), MoodEngine("s", 0, model)
    history = [Event("page_view", 0), Event("rage_click", 400), Event("goal", 900, name="paid")]
    for index, event in enumerate(history):
        for engine in (plain, own):
            engine.receive(event)
        expected = oracle.scores(history[: index + 1], 0, event.at, model)
        assert own.scores == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert (plain.reading(900).mood, own.reading(900).mood) == ("satisfied", "confused")


@pytest.mark.parametrize(
    "overrides",
    [{}, {"weight.dwell.curious": 2.0}, {"weight.exploring.bored": -1.5, "weight.arrived.curious": 0.5}],
)
def test_points_are_strengths_times_weights_also_for_moods_that_the_shipped_table_leaves_out(
    overrides: dict[str, float],
) -> None:
    model = Model.with_overrides(overrides)
    engine = MoodEngine("s", 1000, model)
    for step, type in enumerate(
        ["page_view", "click", "scroll", "hover", "error", "submit", "navigation"] * 9
    ):
        event = Event(
            type, 1000 + step * 700, "#a", 3.0, 4.0, float(step % 90), url=f"/{step // 7}", reports=3
        )
        engine.receive(event)
        points = [0.0] * 6
        for strength, row in zip(engine.strengths(), model.rows, strict=True):
            points = [sofar + strength * weight for sofar, weight in zip(points, row, strict=True)]
        assert engine.points == points
