"""What is learned of elements across visitors."""

from app.mood import Event
from app.sessions.elements import (
    MAX_OF_ALL,
    MAX_OF_PROJECT,
    MAX_OF_VISIT,
    MOST_OF_VISIT,
    Element,
    Elements,
    Visit,
)

NOW = 1_764_000_000_000
DAY = 86_400_000


def visit(
    elements: Elements, *kinds: str, target: str = "#more", at: int = NOW, step: int = 300
) -> list[Event]:
    """One visitor's events on one element, `step` ms apart; what came of them."""
    here = Visit()
    events = [Event(kind, at + n * step, target, value=200.0) for n, kind in enumerate(kinds)]
    for event in events:
        elements.meet("shop", here, event)
    return events


def test_a_stepper_is_known_after_ten_visitors() -> None:
    elements = Elements()
    for _ in range(10):
        visit(elements, *["click", "response"] * 5)
    usual = elements.usual("shop", "#more", NOW)
    assert usual == (10.0, 50.0, 1.0, 200.0, 5.0)


def test_a_first_click_is_told_what_is_usual_and_the_others_are_not() -> None:
    elements = Elements()
    for _ in range(5):
        visit(elements, "click", "dead_click")
    first, dead, again = visit(elements, "click", "dead_click", "click")
    assert first.usual == (5.0, 5.0, 0.0, 0.0, 1.0)
    assert dead.usual is None
    assert again.usual is None


def test_too_few_visitors_say_nothing() -> None:
    elements = Elements()
    visit(elements, *["click", "response"] * 20)
    assert elements.usual("shop", "#more", NOW) is None


def test_clicks_far_apart_are_no_run() -> None:
    elements = Elements()
    for _ in range(4):
        visit(elements, "click", "click", "click", step=5_000)
    usual = elements.usual("shop", "#more", NOW)
    assert usual is not None
    assert usual[4] == 1.0


def test_one_visitor_can_not_teach_alone() -> None:
    elements = Elements()
    for _ in range(9):
        visit(elements, "click", "response")
    visit(elements, *["click", "dead_click"] * 500)
    usual = elements.usual("shop", "#more", NOW)
    assert usual is not None
    assert usual[1] == 9.0 + MOST_OF_VISIT


def test_a_project_learns_for_itself_only() -> None:
    elements = Elements()
    for _ in range(5):
        visit(elements, "click", "response")
    assert elements.usual("other", "#more", NOW) is None


def test_what_was_learned_fades() -> None:
    elements = Elements()
    for _ in range(8):
        visit(elements, "click", "response")
    later = elements.usual("shop", "#more", NOW + 14 * DAY)
    assert later is not None
    assert later[0] == 4.0
    assert later[2] == 1.0
    assert elements.usual("shop", "#more", NOW + 60 * DAY) is None


def test_memory_is_bounded_by_project_visit_and_in_all() -> None:
    elements = Elements()
    here = Visit()
    for n in range(3 * MAX_OF_VISIT):
        elements.meet("shop", here, Event("click", NOW, f"#{n}"))
    assert len(elements) == len(here.counts) == MAX_OF_VISIT
    for n in range(MAX_OF_PROJECT + 10):
        elements.meet("shop", Visit(), Event("click", NOW, f"#a{n}"))
    assert len(elements) == MAX_OF_PROJECT
    for project in range(2 * MAX_OF_ALL // MAX_OF_PROJECT):
        for n in range(MAX_OF_PROJECT):
            elements.meet(f"p{project}", Visit(), Event("click", NOW, f"#{n}"))
    assert len(elements) == MAX_OF_ALL


def test_the_longest_unused_element_is_forgotten() -> None:
    elements = Elements()
    for n in range(MAX_OF_PROJECT):
        elements.put("shop", f"#{n}", Element(NOW))
    elements.meet("shop", Visit(), Event("click", NOW, "#0"))
    elements.meet("shop", Visit(), Event("click", NOW, "#new"))
    known = {target for _, target, _ in elements.fresh(10)}
    assert known == {"#0", "#new"}
    assert len(elements) == MAX_OF_PROJECT


def test_what_was_stored_is_taken_up_as_far_as_there_is_room() -> None:
    elements = Elements()
    for index in range(MAX_OF_PROJECT + 1):
        elements.put("shop", f"#{index}", Element(NOW))
    stored = Element(NOW)
    stored.visitors = stored.clicks = stored.runs = 9.0
    elements.put("shop", "#0", stored)  # it is there already
    elements.put("other", "#0", stored)
    assert len(elements) == MAX_OF_PROJECT + 1
    assert elements.usual("shop", "#0", NOW) is None
    assert elements.usual("other", "#0", NOW) is not None


def test_what_could_not_be_stored_stays_fresh() -> None:
    elements = Elements()
    visit(elements, "click")
    fresh = elements.fresh(10)
    assert [target for _, target, _ in fresh] == ["#more"]
    assert elements.fresh(10) == []
    elements.keep_fresh(fresh)
    assert elements.fresh(10) == fresh


def test_a_visit_goes_on_after_a_snapshot_and_after_a_replay() -> None:
    elements = Elements()
    here = Visit()
    for kind in ("click", "response", "click"):
        elements.meet("shop", here, Event(kind, NOW, "#more"))
    again = Visit()
    again.restore(here.state())
    assert again.state() == here.state()
    replayed = Visit()
    replayed.recall(Event("click", NOW, "#more"))
    for visit in (again, replayed):
        event = Event("click", NOW + 1, "#more")
        elements.meet("shop", visit, event)
    found = elements.fresh(10)[0][2]
    assert round(found.visitors, 6) == 1.0
