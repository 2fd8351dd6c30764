"""The naive batch scorer: what the scores must be, recomputed from the whole history each time it is asked.

Written from the definitions in `app/mood/model/numbers.py` and the detectors' docstrings, without their code: every
count is a sum over all events so far, faded to `now`. Slow on purpose. Shares only the numbers (`Model`), the
names and `Event` with the engine. Holds for events of which no two of one millisecond contradict each other.
"""

import math
from collections.abc import Sequence

from app.mood import MOODS, Event, Model
from app.mood.events import UNKNOWN
from app.mood.signals.names import FRICTION_COUNT, NAMES
from tests.mood.oracle_clicks import clicks
from tests.mood.oracle_terms import Strengths, between, faded, half, left, list_visits, of, page_of

ACTS = {
    "click", "rage_click", "dead_click", "scroll", "hover", "page_view", "navigation", "input", "submit", "focus",
    "copy", "paste", "goal",
}  # fmt: skip


def scores(events: Sequence[Event], started_at: int, now: int, m: Model) -> list[float]:
    """Scores at `now` (at or after the last event)."""
    found = strengths(events, started_at, now, m)
    found["recovered"] = recovered(events, started_at, now, m, found)
    points = []
    for mood in MOODS:
        total = sum(m.weights.get(f"{name}.{mood}", 0.0) * found.get(name, 0.0) for name in NAMES)
        said = [e for e in events if e.type == "feedback" and e.name == mood]
        told = faded(said, now, m.settings["half_life.bored"], lambda e: -1.0 if e.value == 0 else 1.0)
        told = max(-1.0, min(1.0, told))
        points.append(total + told * m.settings["feedback.yes" if told > 0 else "feedback.no"])
    grown = [math.exp(p / m.settings["temperature"]) for p in points]
    return [g / sum(grown) for g in grown]


def strengths(events: Sequence[Event], started_at: int, now: int, m: Model) -> Strengths:
    """The strength of every signal at `now`, save `recovered`."""
    found = {
        **clicks(events, now, m),
        **waits(events, now, m),
        **trouble(events, now, m),
        **pages(events, now, m),
        **reading(events, now, m),
        **doing(events, started_at, now, m),
        "arrived": 1.0,
    }
    found["exploring"] *= 1.0 - max(found["dead_click"], found["unanswered_clicks"])
    trouble_now = max(found[name] for name in ("back_and_forth", "form_struggle", "high_error_rate"))
    found["smooth_progress"] *= 1.0 - trouble_now
    found["dwell"] *= 1.0 - found["back_and_forth"]
    return found


def recovered(events: Sequence[Event], started_at: int, now: int, m: Model, found: Strengths) -> float:
    """The worst trouble after any millisecond with events, faded, less the friction of now."""
    friction = NAMES[:FRICTION_COUNT]
    half_life = m.settings["half_life.bored"]
    scar = 0.0
    before = started_at
    for at in sorted({e.at for e in events if e.type != "help"}):
        then = strengths([e for e in events if e.at <= at], started_at, at, m)
        worst = max(then.get(name, 0.0) for name in friction)
        if worst < m.settings["trouble.from"]:
            worst = 0.0
        scar = max(scar * left(at - before, half_life), worst)
        before = at
    relief = scar * left(now - before, half_life) - max(found.get(name, 0.0) for name in friction)
    return max(0.0, relief) * found["smooth_progress"]


def waits(events: Sequence[Event], now: int, m: Model) -> Strengths:
    v = m.settings

    def pain(e: Event) -> float:
        return between((e.value or 0.0) / 1000, v["wait.fine"], v["wait.painful"])

    answers = [e for e in of(events, "response") if e.kind != UNKNOWN]
    slow = faded(answers, now, v["half_life.friction"], pain)
    good = faded(answers, now, v["half_life.satisfied"], lambda e: 1.0 - pain(e))
    return {
        "slow_response": min(1.0, slow / v["slow.full"]),
        "smooth_progress": half(good, v["good.half"]) * (1.0 - clicks(events, now, m)["dead_click"]),
    }


def trouble(events: Sequence[Event], now: int, m: Model) -> Strengths:
    v = m.settings
    friction = v["half_life.friction"]
    clicked = [e.at for e in of(events, "click")]
    errors = of(events, "error")

    def worth(e: Event) -> float:
        soft = e.kind in ("validation", "action") or (e.value is not None and 400 <= e.value < 500)
        return v["errors.client"] if soft else 1.0

    def by_click(e: Event) -> float:
        before = [e.at - at for at in clicked if at <= e.at]
        gap = min(before, default=10**9) / 1000
        return worth(e) * (
            1.0 if gap <= v["errors.window"] else 0.5 if gap <= v["errors.soft_window"] else 0.0
        )

    struggles = faded([e for e in errors if e.kind == "validation"], now, friction)
    for i, event in enumerate(events):
        if event.target is None:
            continue
        earlier = [e for e in events[:i] if e.target == event.target and e.at < event.at]
        left_before = any(e.type == "blur" for e in earlier)
        if event.type == "focus" and left_before:
            struggles += left(now - event.at, friction)
        if event.type == "blur":
            entered = max((e.at for e in earlier if e.type == "focus"), default=-1)
            blurred = max(
                (e.at for e in events[:i] if e.target == event.target and e.type == "blur"), default=-1
            )
            if entered >= 0 and entered >= blurred and event.at - entered >= v["forms.long"] * 1000:
                struggles += left(now - event.at, friction)
    thrash = [e for e in of(events, "custom") if e.name == "thrashed_cursor" and e.value is not None]
    return {
        "error_click": min(1.0, faded(errors, now, friction, by_click) / v["errors.click_full"]),
        "high_error_rate": between(faded(errors, now, friction, worth), v["errors.from"], v["errors.full"]),
        "form_struggle": min(1.0, struggles / v["forms.full"]),
        "thrashed_cursor": min(
            1.0, faded(thrash, now, friction, lambda e: max(0.0, min(1.0, e.value or 0.0)))
        ),
    }


def pages(events: Sequence[Event], now: int, m: Model) -> Strengths:
    v = m.settings
    visits = list_visits(events)
    dwelt = turned = 0.0
    for i, (name, entered, back) in enumerate(visits):
        if i + 1 < len(visits):
            leaves = visits[i + 1][1]
            seconds = min((leaves - entered) / 1000, v["pages.dwell_cap"])
            dwelt += seconds * left(now - leaves, v["half_life.dwell"])
        one, two, three = (visits[i - k][0] if i >= k else None for k in (1, 2, 3))
        if i == 0 or one is None:
            continue
        again = name is not None and name == two
        quick = (entered - visits[i - 1][1]) / 1000 <= v["pages.quick"]
        if ((back or again) and quick) or (again and three is not None and one == three):
            turn = 1.0
        else:
            turn = v["pages.back"] if back else 0.0
        turned += turn * left(now - entered, v["half_life.confused"])

    seen: set[str] = set()
    new = 0.0
    for event in events:
        thing = page_of(event) if event.type in ("page_view", "navigation") else event.target
        if event.type in ("page_view", "navigation", "click", "hover") and thing is not None:
            if thing not in seen and seen:
                new += left(now - event.at, v["half_life.curious"])
            seen.add(thing)
    return {
        "back_and_forth": min(1.0, turned / v["pages.full"]),
        "dwell": half(dwelt, v["pages.dwell_half"]),
        "exploring": half(new, v["explore.half"]),
    }


def reading(events: Sequence[Event], now: int, m: Model) -> Strengths:
    v = m.settings
    engaged, confused = v["half_life.engaged"], v["half_life.confused"]
    entries = {at for _, at, _ in list_visits(events)}
    stops: list[
        tuple[int, float, bool]
    ] = []  # where the scroll position stood, and whether a page began there
    for at in sorted({e.at for e in events if e.type == "scroll"} | entries):
        here = [e for e in events if e.type == "scroll" and e.at == at]
        fresh = at in entries
        place = 0.0 if fresh or not stops else stops[-1][1]
        depths = [max(0.0, min(100.0, e.value)) for e in here if e.value is not None]
        if depths:
            place = max(depths)
        else:
            place += sum((e.dy or 0.0) / 10.0 for e in here)
        stops.append((at, place, fresh or not stops))

    read = ahead = turned = 0.0
    deepest, extreme, down = 0.0, 0.0, True
    for i, (at, place, fresh) in enumerate(stops):
        if fresh:
            deepest = extreme = place
            down = True
            continue
        then, from_place, _ = stops[i - 1]
        if place >= from_place:
            read += min((at - then) / 1000, v["reading.pause_cap"]) * left(now - at, engaged)
            ahead += (place - from_place) * left(now - at, engaged)
        turn = extreme - place >= v["scroll.step"] if down else place - extreme >= v["scroll.step"]
        if turn:
            turned += left(now - at, confused)
            down = not down
            extreme = place
        elif (place > extreme) == down:
            extreme = place
        deepest = max(deepest, place)
    skim = ahead / (ahead + (read + v["reading.skim_prior"]) * v["reading.skim"]) if ahead > 0 else 0.0
    pace = half(read, v["reading.half"])
    return {
        "reading_pace": pace,
        "skimming": skim,
        "scroll_search": min(1.0, turned / v["scroll.full"]),
        "deep_scroll": between(deepest, 25.0, 90.0) * pace,
    }


def doing(events: Sequence[Event], started_at: int, now: int, m: Model) -> Strengths:
    v = m.settings
    acted = [e for e in events if e.type in ACTS]
    last_act = max((e.at for e in acted), default=started_at)
    hidden = max((e.at for e in events if e.type == "visibility" and e.kind == "hidden"), default=-1)
    shown = max((e.at for e in events if e.type == "visibility" and e.kind != "hidden"), default=-1)
    visible = hidden < 0 or shown >= hidden or any(e.at > hidden for e in acted)

    quiet_since = max(last_act, shown)
    idles = [e for e in of(events, "idle") if e.at > max(last_act, shown if shown >= 0 else started_at)]
    for event in idles:
        if event.value is not None:
            quiet_since = min(quiet_since, event.at - int(event.value * 1000))
    idle = between((now - quiet_since) / 1000, v["idle.from"], v["idle.full"])
    verdicts = [e for e in idles if e.value is None]
    idle = max(idle, min(1.0, 0.5 * len(verdicts)))

    last_click = max((e.at for e in of(events, "click")), default=-1)
    long_hovers = [
        e
        for e in of(events, "hover")
        if e.at > last_click and e.value is not None and e.value >= v["hover.long"]
    ]

    def again(e: Event) -> float:
        return v["again.copies"] if e.type in ("copy", "paste") else 1.0

    repeats = [
        e
        for e in events
        if e.type in ("submit", "copy", "paste")
        or (e.type in ("page_view", "navigation") and e.kind == "reload")
    ]
    found = {
        "hover_search": min(1.0, len(long_hovers) / v["hover.full"]),
        "repeated_actions": between(
            faded(repeats, now, v["half_life.friction"], again), v["again.from"], v["again.full"]
        ),
        "goal": min(1.0, faded(of(events, "goal"), now, v["half_life.satisfied"])),
    }
    if visible:
        acts = faded(acted, now, v["half_life.engaged"])
        found["long_idle"] = idle
        found["minimal_interaction"] = v["minimal.half"] / (v["minimal.half"] + acts)
    return found
