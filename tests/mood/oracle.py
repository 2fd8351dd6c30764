"""The naive batch scorer: what the scores must be, recomputed from the whole history each time it is asked.

Written from the definitions in `app/mood/model/numbers.py` and the detectors' docstrings, without their code: every
count is a sum over all events so far, faded to `now`. Slow on purpose. Shares only the numbers (`Model`), the
names and `Event` with the engine. Holds for events of which no two of one millisecond contradict each other.
"""

import math
from collections.abc import Callable, Sequence

from app.mood import MOODS, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, Model
from app.mood.events import MILD, UNKNOWN, Usual
from app.mood.signals.names import FRICTION_COUNT, NAMES

ACTS = {
    "click", "rage_click", "dead_click", "scroll", "hover", "page_view", "navigation", "input", "submit", "focus",
    "copy", "paste", "goal",
}  # fmt: skip

Strengths = dict[str, float]


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


def clicks(events: Sequence[Event], now: int, m: Model) -> Strengths:
    v = m.settings
    engaged, friction = v["half_life.engaged"], v["half_life.friction"]
    clicked = [e for e in of(events, "click") if e.kind != UNKNOWN]
    dead = judged_dead(events, m)
    breaks = [e.at for e in of(events, "response")] + [at for _, at, _ in list_visits(events)]

    aside = [e for e in dead if e.kind in MILD or (e.target is None and e.x is not None)]
    missed = faded(aside, now, engaged)
    real = [e for e in dead if e not in aside]
    dead_count = faded(real, now, engaged, lambda e: worth_of_dead(e, events, m))
    answers = [e for e in of(events, "response") if e.kind != UNKNOWN]
    for target in {e.target for e in real if e.target is not None}:
        here = [e for e in real if e.target == target]
        died = faded(here, now, friction, lambda e: worth_of_dead(e, events, m))
        dead_count -= min(died, faded([e for e in answers if e.target == target], now, friction))
    dead_count = max(0.0, dead_count)
    click_count = max(faded(clicked, now, engaged), dead_count + missed) + v["dead.prior"]
    dead_share = (dead_count + min(v["missed.share"] * click_count, missed)) / (v["dead.full"] * click_count)

    own = 0.0
    single = []
    for i, click in enumerate(clicked):
        together = 1 + sum(
            1
            for other in clicked[:i]
            if click.at - other.at <= v["rage.window"] * 1000
            and other.target == click.target
            and close(other, click, v["rage.radius"])
        )
        known_dead = any(
            d.target == click.target and d.at < click.at and d.kind not in MILD
            for d in dead
            if click.target is not None
        )
        usual = usual_of(click, events)
        patience = usual[4] * v["usual.patience"] if usual and is_stepper(usual, m) else 0.0
        if together >= v["rage.clicks"] - (1 if known_dead else 0) and together > patience:
            if click.reports & REPORTS_RESPONSE:
                worth = v["rage.burst"]
            elif click.target is not None and click.x is not None:
                worth = v["rage.unknown"]
            else:
                worth = v["rage.blind"]
            if any(at >= click.at for at in breaks):
                worth *= v["rage.answered"]
            own += worth * left(now - click.at, friction)
        elif together == 1:
            single.append(click)

    def stands(verdict: Event) -> float:
        usual = usual_of(verdict, events)
        stepping = usual and is_stepper(usual, m) and not waited_for(verdict, events, m)
        if verdict.kind in MILD or stepping:
            return v["rage.answered"]
        for answer in of(events, "response"):
            if answer.at >= verdict.at and (answer.target is None or answer.target == verdict.target):
                return v["rage.answered"]
        return 1.0

    verdicts = faded(bursts(events, m), now, friction, stands)
    rage = max(min(own, v["rage.own"]), verdicts) / v["rage.full"]

    silent = silence(events, now, m)
    told = tells_dead(events)
    used = 0.0
    for target in {e.target for e in clicked if e.target is not None}:
        count = faded([e for e in clicked if e.target == target], now, friction)
        used = max(used, count)
    return {
        "rage_click": min(1.0, rage),
        "dead_click": max(stuck(events, now, m), min(1.0, dead_share)),
        "unanswered_clicks": 0.0 if told else silent,
        "repeat_use": between(used, v["repeats.from"], v["repeats.full"]),
        "active_clicks": half(faded(single, now, engaged), v["pace.half"]),
    }


def usual_of(event: Event, events: Sequence[Event]) -> Usual | None:
    """What the session's first click on a thing noted of it, from the millisecond after that click on."""
    for click in of(events, "click"):
        if click.usual is not None and click.target == event.target:
            return click.usual if click.at < event.at else None
    return None


def is_judged(usual: Usual, m: Model) -> bool:
    return usual[1] >= m.settings["usual.verdicts"]


def is_mute(usual: Usual | None, m: Model) -> bool:
    if usual is None or usual[0] < m.settings["usual.visitors"]:
        return False
    return is_judged(usual, m) and usual[2] <= m.settings["usual.mute"]


def is_stepper(usual: Usual, m: Model) -> bool:
    if usual[0] < m.settings["usual.visitors"] or usual[4] < m.settings["usual.row"]:
        return False
    return not is_judged(usual, m) or usual[2] >= m.settings["usual.works"]


def judged_dead(events: Sequence[Event], m: Model) -> list[Event]:
    """Dead clicks, but those on things that never answer anybody."""
    return [e for e in of(events, "dead_click") if not is_mute(usual_of(e, events), m)]


def worth_of_dead(dead: Event, events: Sequence[Event], m: Model) -> float:
    usual = usual_of(dead, events)
    if usual is None or usual[0] < m.settings["usual.visitors"] or not is_judged(usual, m):
        return 1.0
    return m.settings["usual.worth"] if usual[2] >= m.settings["usual.reliable"] else 1.0


def waited_for(verdict: Event, events: Sequence[Event], m: Model) -> bool:
    """Whether a client that reports answers gave its verdict after the wait, on enough clicks that none answered before
    it."""
    v = m.settings
    if not verdict.reports & REPORTS_RESPONSE:
        return False
    before = [e for e in events[: position(verdict, events)] if e is not verdict]
    answers = [e.at for e in of(before, "response") if e.target in (None, verdict.target)]
    answers += [at for _, at, _ in list_visits(before) if at < verdict.at]
    clicked = [e for e in of(before, "click") if e.target == verdict.target and e.kind != UNKNOWN]
    count = sum(
        v["rage.wait"] <= (verdict.at - click.at) / 1000 <= v["rage.wait"] + 2 * v["rage.window"]
        and not any(at >= click.at for at in answers)
        for click in clicked
    )
    return count >= v["rage.clicks"]


def position(event: Event, events: Sequence[Event]) -> int:
    return next(i for i, each in enumerate(events) if each is event)


def tells_dead(events: Sequence[Event]) -> bool:
    """Whether a client that reports answers told of a dead click: it knows which clicks asked for an answer."""
    both = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
    return any(e.reports & both == both for e in of(events, "dead_click"))


def silence(events: Sequence[Event], now: int, m: Model) -> float:
    """Places tried in a row without an answer, as a strength."""
    v = m.settings
    friction = v["half_life.friction"]
    breaks = [e.at for e in of(events, "response")] + [at for _, at, _ in list_visits(events)]
    last_answer = max(breaks, default=-1)
    tried: list[Event] = []
    tries: list[Event] = []
    for click in events:
        judged = "dead_click" if click.reports & REPORTS_DEAD_CLICK else "click"
        if (
            click.kind == UNKNOWN
            or (click.type == "dead_click" and is_mute(usual_of(click, events), m))
            or click.type != judged
            or not click.reports & REPORTS_RESPONSE
            or click.at <= last_answer
        ):
            continue
        again = None
        for i, other in enumerate(tried):
            if click.x is not None and other.x is not None:
                same = close(click, other, v["silent.apart"])
            else:
                same = click.target == other.target and click.at - other.at <= v["silent.again"] * 1000
            if same:
                again = i
                break
        if again is not None:
            tried[again] = click
        else:
            tried.append(click)
            tries.append(click)
    named = [e for e in tries if e.target is not None and e.kind not in MILD]
    unanswered = faded(named, now, friction)
    unanswered += min(v["missed.tries"], faded([e for e in tries if e not in named], now, friction))
    return between(unanswered, v["silent.from"], v["silent.full"])


def bursts(events: Sequence[Event], m: Model) -> list[Event]:
    """The first verdict of each burst: one that goes on on one target is told again, but counted once."""
    pause = (m.settings["rage.window"] + m.settings["rage.wait"]) * 1000
    told: dict[str, int] = {}
    found = []
    for event in events:
        target = event.target
        goes_on = target is not None and target in told and event.at - told[target] <= pause
        if event.type == "rage_click":
            if not goes_on:
                found.append(event)
            if target is not None:
                told[target] = event.at
        elif event.type == "click" and event.kind != UNKNOWN and goes_on and target is not None:
            told[target] = event.at
    return found


def stuck(events: Sequence[Event], now: int, m: Model) -> float:
    """The most dead clicks on one thing, or clicks hammered on it in vain, less its answers; or things that were
    tried and were dead, one after another."""
    half_life = m.settings["half_life.friction"]
    dead = [e for e in judged_dead(events, m) if e.kind not in MILD]
    answered = [e for e in of(events, "response") if e.kind != UNKNOWN]
    most = 0.0
    for target in {e.target for e in events if e.target is not None}:
        here = [e for e in dead if e.target == target]
        count = faded(here, now, half_life, lambda e: worth_of_dead(e, events, m))
        count = max(count, hammered(events, target, now, m))
        most = max(most, count - faded([e for e in answered if e.target == target], now, half_life))
    strength = between(most, m.settings["stuck.from"], m.settings["stuck.full"])
    return max(strength, silence(events, now, m)) if tells_dead(events) else strength


def hammered(events: Sequence[Event], target: str, now: int, m: Model) -> float:
    """The most clicks on a target, faded, that a verdict after `rage.wait` calls unanswered and that still are."""
    v = m.settings
    moves = [at for _, at, _ in list_visits(events)]
    most = 0.0
    for verdict in of(events, "rage_click"):
        if verdict.target != target or verdict.kind in MILD:
            continue
        answers = [e.at for e in of(events, "response") if e.target in (None, verdict.target)] + moves
        if not verdict.reports & REPORTS_RESPONSE or any(at >= verdict.at for at in answers):
            continue
        count = sum(
            click.target == target
            and click.kind != UNKNOWN
            and v["rage.wait"] <= (verdict.at - click.at) / 1000 <= v["rage.wait"] + 2 * v["rage.window"]
            and not any(at >= click.at for at in answers)
            for click in of(events, "click")
        )
        if count >= v["rage.clicks"]:
            most = max(most, count * left(now - verdict.at, v["half_life.friction"]))
    return most


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


def list_visits(events: Sequence[Event]) -> list[tuple[str | None, int, bool]]:
    """(page, entered at, by the back button) for each page change, those of one millisecond as one."""
    visits: list[tuple[str | None, int, bool]] = []
    for event in events:
        if event.type not in ("page_view", "navigation"):
            continue
        name = page_of(event)
        back = event.type == "navigation" and event.kind == "back"
        if visits and visits[-1][1] == event.at:
            before = visits[-2][0] if len(visits) > 1 else None
            old, _, was_back = visits[-1]
            if name is not None and name == before and not back:
                continue
            best = max((n for n in (old, name) if n is not None), default=None)
            visits[-1] = (best, event.at, was_back or back)
        elif not visits or name is None or back or name != visits[-1][0]:
            visits.append((name, event.at, back))
    return visits


def page_of(event: Event) -> str | None:
    return event.url if event.url is not None else event.target


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


def of(events: Sequence[Event], type: str) -> list[Event]:
    return [e for e in events if e.type == type]


def faded(
    events: Sequence[Event], now: int, half_life: float, worth: Callable[[Event], float] = lambda e: 1.0
) -> float:
    return sum(worth(e) * left(now - e.at, half_life) for e in events)


def left(ms: int, half_life: float) -> float:
    return float(0.5 ** (ms / 1000 / half_life))


def between(value: float, start: float, full: float) -> float:
    return min(1.0, max(0.0, (value - start) / (full - start)))


def half(value: float, at: float) -> float:
    return value / (value + at)


def close(a: Event, b: Event, radius: float) -> bool:
    for one, other in ((a.x, b.x), (a.y, b.y)):
        if (one is None) != (other is None):
            return False
        if one is not None and other is not None and abs(one - other) > radius:
            return False
    return True
