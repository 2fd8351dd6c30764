"""Pages: how long one stays, turning back, and what is new."""

from math import exp
from typing import Final

from app.mood import snapshot
from app.mood.decay import faded, kept
from app.mood.model.model import Model
from app.mood.strengths import Strengths

FIELDS: Final = (
    "at",
    "back",
    "before",
    "dwelt",
    "entered",
    "known",
    "left",
    "left_after",
    "new",
    "new_count",
    "page",
    "third",
    "turn",
    "turns",
    "turns_at",
    "turns_count",
)

_KNOWN: Final = 32  # pages and targets that are remembered at a time


class PageSignals:
    """Page changes of one millisecond are one change, to the page whose name sorts last."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.page: str | None = None  # where the visitor is
        self.entered: int = -1
        self.left: str | None = None  # the page before
        self.left_after: int = 0  # how long that one was looked at, ms
        self.before: str | None = None  # the one before that
        self.third: str | None = None
        self.back: bool = False  # the way here was the back button
        self.turn: float = 0.0  # what the way here says
        self.turns: float = 0.0  # what the ways before say, at turns_at
        self.turns_at: int = -1
        self.turns_count: int = 0
        self.at: int = -1
        self.dwelt: float = 0.0  # seconds, at `at`
        self.new: float = 0.0  # new pages and things, at `at`
        self.new_count: int = 0
        self.known: dict[str, int] = {}

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            if self.dwelt > 0.0:
                self.dwelt = faded(self.dwelt, exp(m.dwell_rate * (self.at - at)))
            if self.new > 0.0:
                self.new = faded(self.new, exp(m.curious_rate * (self.at - at)))
            self.at = at

    def page_changed(self, name: str | None, back: bool, at: int, m: Model) -> bool:
        """The visitor came to page `name` (None: unknown). False if it is the same page still."""
        if at == self.entered:
            if name is not None and name == self.left and not back:
                return True
            if name is not None and (self.page is None or name > self.page):
                self.page = name
            self.back = self.back or back
            self.turn = self._turn(m)
            return True
        if name is not None and name == self.page and not back:
            return False
        if self.turns > 0.0:
            self.turns = faded(self.turns, kept(m.confused_rate, self.turns_at, at))
        self.turns_at = at
        if self.turn > 0.0:
            self.turns += self.turn * kept(m.confused_rate, self.entered, at)
            self.turns_count += 1
        if self.entered >= 0:
            self._fade(at, m)
            self.left_after = at - self.entered
            self.dwelt += min(self.left_after / 1000.0, m.dwell_cap)
            self.third = self.before
            self.before = self.left
            self.left = self.page
        self.page = name
        self.back = back
        self.entered = at
        self.turn = self._turn(m)
        return True

    def _turn(self, m: Model) -> float:
        if self.left is None:
            return 0.0
        again = self.page is not None and self.page == self.before
        if (self.back or again) and self.left_after <= m.pages_quick_ms:
            return 1.0
        if again and self.third is not None and self.left == self.third:
            return 1.0
        return m.pages_back if self.back else 0.0

    def saw(self, thing: str, at: int, m: Model) -> None:
        """A page or a target was met; new if it is not among the last ones."""
        known = self.known
        if thing not in known:
            if len(known) >= _KNOWN:
                del known[min(known, key=lambda k: (known[k], k))]
            if known:  # where one lands is no find
                self._fade(at, m)
                self.new += 1.0
                self.new_count += 1
        known[thing] = at

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        turns = self.turns
        turn = self.turn
        if turns > 0.0 or turn > 0.0:
            if now > self.turns_at:
                left = exp(m.confused_rate * (self.turns_at - now))
                turns *= left
                if turn > 0.0:
                    if self.entered != self.turns_at:
                        left = kept(m.confused_rate, self.entered, now)
                    turns += turn * left
            elif turn > 0.0:
                turns += turn * kept(m.confused_rate, self.entered, now)
            turns /= m.pages_full
            if turns > 1.0:
                turns = 1.0
            out.back_and_forth = turns
            if turns > out.friction:
                out.friction = turns
        since = self.at - now
        dwelt = self.dwelt
        if dwelt > 0.0:
            if since < 0:
                dwelt *= exp(m.dwell_rate * since)
            out.dwell = dwelt / (dwelt + m.dwell_half)
        new = self.new
        if new > 0.0:
            if since < 0:
                new *= exp(m.curious_rate * since)
            out.exploring = new / (new + m.explore_half)

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
