"""The oracle's clicks: answered or not, in bursts, again and again."""

from collections.abc import Sequence

from app.mood import REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, Model
from app.mood.events import MILD, UNKNOWN, Usual
from tests.mood.oracle_terms import Strengths, between, close, faded, half, left, list_visits, of


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
