"""The hot lines of the engine in their long form: nothing skipped, every count faded, every weight multiplied.

    python [-X plain] -m tests.mood.long_form [long]

plays made-up visits and prints a digest of all that was read, bit for bit. `long` puts the long form in place first;
that needs `-X plain`, for compiled classes cannot be changed.
"""

import hashlib
import random
import sys
from collections.abc import Iterator
from math import exp

from app.mood import DEFAULT, EVENT_TYPES, Event, Model, MoodEngine, engine
from app.mood.decay import kept, ramp
from app.mood.decision import NONE, Decision
from app.mood.reading import ENGAGED
from app.mood.signals.clicks import ClickSignals
from app.mood.signals.doing import DoingSignals
from app.mood.signals.names import FRICTION_COUNT
from app.mood.signals.pages import PageSignals
from app.mood.signals.reading import ReadingSignals
from app.mood.signals.trouble import TroubleSignals
from app.mood.strengths import Points, Strengths
from tests.mood.histories import SPOTS, START, TOUCHY, USUALS

_VISITS = 60
_EVENTS = 120


def fade_clicks(self: ClickSignals, at: int, m: Model) -> None:
    if at > self.at:
        for name, rate in (
            ("clicks", m.engaged_rate), ("active", m.engaged_rate), ("dead", m.engaged_rate),
            ("missed", m.engaged_rate), ("good", m.satisfied_rate), ("slow", m.friction_rate),
            ("open", m.friction_rate), ("burst", m.friction_rate), ("rage", m.friction_rate),
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) * kept(rate, self.at, at))
        self.at = at


def break_silence(self: ClickSignals, m: Model) -> None:
    self.silent = 0
    self.tries = self.missed_tries = 0.0
    self.tried = []
    self.burst += self.open * m.rage_answered
    self.open = 0.0


def fade_pages(self: PageSignals, at: int, m: Model) -> None:
    if at > self.at:
        self.dwelt *= kept(m.dwell_rate, self.at, at)
        self.new *= kept(m.curious_rate, self.at, at)
        self.at = at


def fade_reading(self: ReadingSignals, at: int, m: Model) -> None:
    if at > self.at:
        self.read *= kept(m.engaged_rate, self.at, at)
        self.ahead *= kept(m.engaged_rate, self.at, at)
        self.turns *= kept(m.confused_rate, self.at, at)
        self.at = at


def fade_doing(self: DoingSignals, at: int, m: Model) -> None:
    if at > self.at:
        self.again *= kept(m.friction_rate, self.at, at)
        self.acts *= kept(m.engaged_rate, self.at, at)
        self.at = at


def trouble_strengths(self: TroubleSignals, now: int, m: Model, out: Strengths) -> None:
    left = kept(m.friction_rate, self.at, now)
    out.error_click = min(1.0, self.click_errors * left / m.errors_click_full)
    out.high_error_rate = ramp(self.errors * left, m.errors_from, m.errors_full)
    out.form_struggle = min(1.0, self.forms * left / m.forms_full)
    out.thrashed_cursor = min(1.0, self.thrash * left)
    out.friction = max(out.listed()[:FRICTION_COUNT])


def score(strengths: Strengths, m: Model, out: Points) -> None:
    points = [0.0] * 6
    for strength, row in zip(strengths.listed(), m.rows, strict=True):
        points = [sofar + strength * weight for sofar, weight in zip(points, row, strict=True)]
    out.put(points)


def chance_of(mood: int, points: float, most: float, m: Model) -> float:
    name = ("frustrated", "engaged", "bored", "confused", "curious", "satisfied")[mood]
    odds = (m.settings[f"even.{name}"] - points) / m.settings[f"spread.{name}"]
    return most / (1.0 + exp(min(odds, 50.0)))


def choose(self: Decision, now: int, scored: Points, m: Model) -> int:
    points = scored.listed()

    def over(mood: int) -> float:
        return odds(mood) - m.curves[mood].enter

    def odds(mood: int) -> float:
        return (points[mood] - m.curves[mood].even) / m.curves[mood].spread

    old = self.base_mood
    claims = [mood for mood in range(6) if mood not in (old, ENGAGED) and over(mood) >= 0.0]
    best = max(claims, key=lambda mood: (over(mood), -mood), default=NONE)
    new = best if best != NONE else ENGAGED
    if old == NONE:
        return new
    holds = old != ENGAGED and odds(old) >= m.curves[old].leave
    if new == old or (holds and (best == NONE or over(best) < over(old) + m.lead)):
        return old
    hasty = now - self.base_since < m.stay_ms and self.base_previous != NONE
    sure = new != ENGAGED and odds(new) >= m.curves[new].sure
    return old if hasty and not sure else new


def put_in_place() -> None:
    for owner, name, form in (
        (ClickSignals, "_fade", fade_clicks),
        (ClickSignals, "_break_silence", break_silence),
        (PageSignals, "_fade", fade_pages),
        (ReadingSignals, "_fade", fade_reading),
        (DoingSignals, "_fade", fade_doing),
        (TroubleSignals, "strengths", trouble_strengths),
        (Decision, "_choose", choose),
        (engine, "score", score),
        (engine, "chance_of", chance_of),
    ):
        assert hasattr(owner, name), name
        setattr(owner, name, form)


def visit(draw: random.Random) -> Iterator[Event]:
    """A client's events, often several in one millisecond."""
    types = draw.sample(sorted(EVENT_TYPES), draw.randint(2, 12))
    types += draw.choice([[], ["click", "click", "response"], ["click", "dead_click", "rage_click"]])
    reports, at, met = draw.choice([0, 1, 3]), START, set()
    for _ in range(_EVENTS):
        at += draw.choice([0, 0, 1, 40, 200, 900, 1000, 2500, 5000, draw.randint(0, 120_000)])
        event = Event(draw.choice(types), at, reports=reports)
        event.target, event.x, event.y = draw.choice([*SPOTS, (None, 3.0, 3.0), (None, None, None)])
        event.url = draw.choice(["a", "b", "c", None])
        event.value = draw.choice([None, 0.0, 1.0, 45.0, 404.0, 2500.0, 9000.0])
        event.dy = draw.choice([None, -400.0, 100.0])
        event.kind = draw.choice([None, None, "back", "reload", "unknown", "end", "validation", "hidden"])
        event.name = draw.choice(["thrashed_cursor", "frustrated", "bored", "h1"])
        if event.type == "click" and event.target is not None and event.target not in met:
            met.add(event.target)
            event.usual = draw.choice([None, *USUALS])
        yield event


def digest() -> str:
    draw = random.Random(12)
    seen = hashlib.sha256()
    for number in range(_VISITS):
        model = TOUCHY if number % 3 == 0 else DEFAULT
        now = MoodEngine(f"s{number}", START, model)
        for step, event in enumerate(visit(draw)):
            news = now.receive(event)
            if step % 11 == 0:
                news += now.advance(event.at + 7000 * (step % 5))
            assert now.strong.friction == max(now.strong.listed()[:FRICTION_COUNT])
            told = [(item.at, getattr(item, "mood", ""), getattr(item, "confidence", 0)) for item in news]
            seen.update(repr((now.points, now.scores, now.chances(), now.decision.mood, told)).encode())
            if step % 50 == 49:
                now = MoodEngine.restore(now.state(), model)
    return seen.hexdigest()


if __name__ == "__main__":
    if "long" in sys.argv[1:]:
        put_in_place()
    print(digest())
