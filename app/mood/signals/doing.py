"""Doing and not doing: idling, hardly acting, pointing around, repeating, reaching a goal, saying so."""

from math import exp
from typing import Final

from app.mood import snapshot
from app.mood.decay import faded, kept, ramp
from app.mood.events import Event
from app.mood.model.model import Model
from app.mood.strengths import Strengths

FIELDS: Final = (
    "acts",
    "again",
    "again_count",
    "at",
    "click_at",
    "goals",
    "goals_at",
    "goals_count",
    "hidden_at",
    "hovers",
    "idles",
    "quiet_since",
    "shown_at",
    "visible",
)


_LONGEST: Final = 31_536_000.0  # s, a year: no longer, whatever a client says


class DoingSignals:
    """A hidden tab is away, not idle: its time does not count."""

    __slots__ = FIELDS

    def __init__(self, began: int) -> None:
        self.at: int = -1
        self.acts: float = 0.0  # interactions
        self.again: float = 0.0  # sent forms, copies and pastes, reloads
        self.again_count: int = 0
        self.goals: float = 0.0
        self.goals_at: int = -1
        self.goals_count: int = 0
        self.hovers: int = 0  # long hovers since the last click
        self.click_at: int = -1
        self.idles: int = 0  # the client's idle verdicts since the last interaction
        self.quiet_since: int = began
        self.visible: bool = True
        self.hidden_at: int = -1
        self.shown_at: int = -1

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            if self.again > 0.0:
                self.again = faded(self.again, kept(m.friction_rate, self.at, at))
            self.acts *= exp(m.engaged_rate * (self.at - at))
            self.at = at

    def acted(self, at: int, m: Model) -> None:
        """The visitor did something by hand."""
        self._fade(at, m)
        self.acts += 1.0
        self.idles = 0
        self.quiet_since = at
        if at > self.hidden_at:
            self.visible = True

    def clicked(self, at: int) -> None:
        self.hovers = 0
        self.click_at = at

    def hovered(self, event: Event, m: Model) -> None:
        if event.value is not None and event.value >= m.hover_long and event.at > self.click_at:
            self.hovers += 1

    def idled(self, event: Event) -> None:
        """The client saw no interaction: for so many seconds, which count as any silence does, or, in its own
        judgement, for too long."""
        if event.at <= self.quiet_since:
            return
        if event.value is None:
            self.idles += 1
        else:
            quiet_ms = int(min(event.value, _LONGEST) * 1000.0)
            self.quiet_since = min(self.quiet_since, event.at - quiet_ms)

    def hid(self, at: int) -> None:
        if at > self.shown_at:
            self.visible = False
        self.hidden_at = at

    def showed(self, at: int) -> None:
        self.visible = True
        self.shown_at = at
        if at > self.quiet_since:
            self.quiet_since = at
        self.idles = 0

    def did_again(self, worth: float, at: int, m: Model) -> None:
        """Something that is only done over and over when it does not lead on."""
        self._fade(at, m)
        self.again += worth
        self.again_count += 1

    def reached(self, at: int, m: Model) -> None:
        self.goals = self.goals * kept(m.satisfied_rate, self.goals_at, at) + 1.0
        self.goals_at = at
        self.goals_count += 1

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        if self.visible:
            quiet = now - self.quiet_since
            if quiet > m.idle_from_ms or self.idles > 0:
                idle = ramp(float(quiet), m.idle_from_ms, m.idle_full_ms)
                out.long_idle = max(idle, min(1.0, 0.5 * self.idles))
            acts = self.acts
            if now > self.at:
                acts *= exp(m.engaged_rate * (self.at - now))
            out.minimal_interaction = m.minimal_half / (m.minimal_half + acts)
        if self.hovers > 0:
            out.hover_search = hovering = min(1.0, self.hovers / m.hover_full)
            if hovering > out.friction:
                out.friction = hovering
        if self.again > 0.0:
            friction = kept(m.friction_rate, self.at, now)
            out.repeated_actions = again = ramp(self.again * friction, m.again_from, m.again_full)
            if again > out.friction:
                out.friction = again
        if self.goals_count > 0:
            out.goal = min(1.0, self.goals * kept(m.satisfied_rate, self.goals_at, now))

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
