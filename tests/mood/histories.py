"""Made-up histories for the property tests: believable sessions of every kind of client, a few at a time."""

from hypothesis import strategies as st

from app.mood import DEFAULT, EVENT_TYPES, MOODS, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, Model

START = 1_764_000_000_000

#: Places far enough apart that no two count as one.
SPOTS = [("#pay", 100.0, 100.0), ("#pay", 100.0, 400.0), ("#zoom", 400.0, 100.0), ("nav", 700.0, 700.0)]
NAMES = ["a", "b", "c"]

#: What belongs together happens together: without these, bursts and their answers would be rare.
THEMES = [
    ("click", "response"),
    ("click", "click", "dead_click", "rage_click", "response"),
    ("click", "rage_click"),
    ("click", "error", "hover"),
    ("click", "click", "page_view"),
    ("page_view", "navigation", "scroll"),
    ("scroll",),
    ("focus", "blur", "error"),
    ("idle", "visibility", "click"),
    ("feedback", "goal", "click", "response"),
]

#: Numbers under which every single fact moves the scores: nothing hides below a threshold or above a cap.
TOUCHY = Model.with_overrides(
    {
        **{f"{name}.from": 0 for name in ("silent", "stuck", "errors", "repeats", "again")},
        **{f"{name}.full": 50 for name in ("silent", "stuck", "errors", "repeats", "again", "scroll")},
        "rage.clicks": 2,
        "rage.full": 20,
        "rage.own": 20,
        "rage.blind": 0.7,
        "rage.burst": 0.9,
        "errors.click_full": 20,
        "pages.full": 20,
        "slow.full": 20,
        "hover.full": 20,
        "forms.full": 20,
        "missed.tries": 5,
    }
)
models = st.sampled_from([DEFAULT, TOUCHY])

gaps = st.one_of(
    st.sampled_from([0, 0, 1, 40, 200, 450, 900, 1000, 1001, 2500, 5000]),
    st.integers(0, 120_000),
    st.sampled_from([30_000, 60_000, 600_000, 3_600_000]),
)


@st.composite
def events(
    draw: st.DrawFn, types: tuple[str, ...] = tuple(sorted(EVENT_TYPES)), size: int = 25
) -> list[Event]:
    """A session's events in the order of time. One client keeps to one way of reporting."""
    reports = draw(st.sampled_from([0, REPORTS_RESPONSE, REPORTS_RESPONSE | REPORTS_DEAD_CLICK]))
    placed = draw(st.booleans())
    targeted = draw(st.booleans())
    wheel = draw(st.booleans())
    at = START
    history = []
    few = draw(
        st.one_of(st.just(types), st.sampled_from(THEMES), st.lists(st.sampled_from(types), min_size=1))
    )
    for kind in draw(st.lists(st.sampled_from(few), min_size=1, max_size=size)):
        at += draw(gaps)
        history.append(draw(one(kind, at, reports, placed, targeted, wheel)))
    return draw(noted(history))


#: What others met at a thing: nobody gets an answer, nearly all do, it is stepped on, little is known.
USUALS = [
    (40.0, 60.0, 0.02, 0.0, 1.2),
    (40.0, 60.0, 0.98, 120.0, 1.1),
    (25.0, 80.0, 0.9, 60.0, 3.5),
    (12.0, 2.0, 0.5, 9.0, 4.0),
    (4.0, 9.0, 1.0, 50.0, 1.0),
]


@st.composite
def noted(draw: st.DrawFn, history: list[Event]) -> list[Event]:
    """As the server does: with the first click on a thing stands what is usual for it, where that is known."""
    met: set[str] = set()
    for event in history:
        if event.type == "click" and event.target is not None and event.target not in met:
            met.add(event.target)
            event.usual = draw(st.sampled_from([None, None, *USUALS]))
    return history


@st.composite
def one(
    draw: st.DrawFn, type: str, at: int, reports: int, placed: bool, targeted: bool, wheel: bool
) -> Event:
    event = Event(type, at, reports=reports)
    if type in ("click", "dead_click", "rage_click", "hover"):
        target, x, y = draw(st.sampled_from(SPOTS))
        event.target = target if targeted else None
        if placed:
            event.x, event.y = x, y
        if type != "hover":
            event.kind = draw(st.sampled_from([None, None, None, "unknown" if type == "click" else "end"]))
    elif type in ("page_view", "navigation"):
        event.url = draw(st.sampled_from([*NAMES, None]))
        event.kind = draw(st.sampled_from(["back", "push", "reload", None]))
    elif type in ("focus", "blur", "input", "submit"):
        event.target = draw(st.sampled_from([*NAMES, None]))
    if type == "response":
        event.target = draw(st.sampled_from(["#pay", "#zoom", None])) if targeted else None
        event.value = draw(st.sampled_from([None, 0, 80, 999, 2500, 9000]))
        event.kind = draw(st.sampled_from([None, None, None, "unknown"]))
    elif type == "scroll" and wheel:
        event.dy = draw(st.sampled_from([-400.0, -100.0, 100.0, 300.0]))
    elif type == "scroll":
        event.value = draw(st.sampled_from([0.0, 5.0, 20.0, 45.0, 80.0, 100.0]))
    elif type == "hover":
        event.value = draw(st.sampled_from([None, 300, 2500]))
    elif type == "idle":
        event.value = draw(st.sampled_from([None, 0.5, 30, 90]))
    elif type == "error":
        event.kind = draw(st.sampled_from(["js", "request", "validation", "action", None]))
        event.value = draw(st.sampled_from([None, 404, 500]))
    elif type == "visibility":
        event.kind = draw(st.sampled_from(["hidden", "visible"]))
    elif type == "custom":
        event.name = draw(st.sampled_from(["thrashed_cursor", "other"]))
        event.value = draw(st.sampled_from([None, 0.3, 0.9]))
    elif type == "feedback":
        event.name = draw(st.sampled_from([*MOODS, "unheard of"]))
        event.value = draw(st.sampled_from([None, 0, 1]))
    elif type == "help":
        event.kind = draw(st.sampled_from(["shown", "accepted", "dismissed", "snoozed", "expired"]))
        event.name = draw(st.sampled_from(["h1", "h2"]))
    return event


def copied(history: list[Event]) -> list[Event]:
    """The engine may move an event's time: give it its own."""
    return [
        Event(e.type, e.at, e.target, e.x, e.y, e.value, e.kind, e.name, e.dy, e.url, e.reports, e.usual)
        for e in history
    ]
