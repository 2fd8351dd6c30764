"""Scrolling: reading at a pace, racing through, going deep, searching up and down."""

from math import exp
from typing import Final

from app.mood import snapshot
from app.mood.decay import kept
from app.mood.events import Event
from app.mood.model.model import Model
from app.mood.strengths import Strengths

FIELDS: Final = (
    "at",
    "deepest",
    "down",
    "extreme",
    "from_at",
    "from_depth",
    "moved",
    "place",
    "place_at",
    "page_at",
    "read",
    "ahead",
    "turns",
    "turns_count",
    "wheel",
)


#: % of the page that is deep, and as deep as it gets.
_DEEP_FROM: Final = 25.0
_DEEP_FULL: Final = 90.0

_FAR: Final = 1e6  # % of a page: no further, so that no wheel can overflow it


class ReadingSignals:
    """Where several scrolls share a millisecond the deepest counts, so their order does not.

    A movement is known when the next one begins: until then it is added on reading."""

    __slots__ = (*FIELDS, "more_ahead", "more_read", "turning", "weighed")

    def __init__(self) -> None:
        self.weighed: bool = False  # the current movement is known by the three below
        self.more_read: float = 0.0
        self.more_ahead: float = 0.0
        self.turning: bool = False
        self.at: int = -1
        self.page_at: int = -1
        self.from_depth: float = 0.0  # % of the page where the movement began
        self.from_at: int = -1
        self.place: float = 0.0  # % where it is now
        self.place_at: int = -1
        self.wheel: float = 0.0  # how far a wheel moved it in the millisecond place_at, %
        self.moved: bool = False
        self.deepest: float = 0.0
        self.down: bool = True
        self.extreme: float = 0.0  # where the current direction began to count from
        self.read: float = 0.0  # seconds
        self.ahead: float = 0.0  # % of the page
        self.turns: float = 0.0
        self.turns_count: int = 0

    def page(self, at: int, m: Model) -> None:
        """A new page: the place starts over."""
        self.weighed = False
        if at > self.place_at:
            self._settle(at, m)
            self.place = 0.0
            self.place_at = at
            self.wheel = 0.0
        elif self.wheel != 0.0:
            self.place = self.wheel
        self.page_at = at
        self._begin(at)

    def scroll(self, event: Event, m: Model) -> None:
        at = event.at
        self.weighed = False
        if at > self.place_at:
            self._settle(at, m)
            if self.place_at < 0:
                self.page_at = at
            self.from_depth = self.place
            self.from_at = self.place_at
            self.place_at = at
            self.wheel = 0.0
            if event.value is not None:
                self.place = max(0.0, min(100.0, event.value))
        elif event.value is not None:
            self.place = max(self.place, min(100.0, event.value))
        if event.value is None and event.dy is not None:
            # without a depth only the direction is known: a wheel's 100 px count as a tenth of a screen
            self.wheel += event.dy / 10.0
            self.place = max(-_FAR, min(_FAR, self.place + event.dy / 10.0))
        if at == self.page_at:
            self._begin(at)
        else:
            self.moved = True

    def _begin(self, at: int) -> None:
        """Where the visitor is now is where this page begins."""
        self.moved = False
        self.from_depth = self.place
        self.from_at = at
        self.deepest = self.place
        self.extreme = self.place
        self.down = True

    def _settle(self, at: int, m: Model) -> None:
        """Count the movement that ended, then fade everything to `at`."""
        if self.moved:
            self._fade(self.place_at, m)
            read, ahead = self._moved(m)
            self.read += read
            self.ahead += ahead
            if self._turned(m):
                self.turns += 1.0
                self.turns_count += 1
                self.down = not self.down
                self.extreme = self.place
            elif (self.place > self.extreme) == self.down:
                self.extreme = self.place
            if self.place > self.deepest:
                self.deepest = self.place
            self.moved = False
        self._fade(at, m)

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            if self.read > 0.0 or self.ahead > 0.0:
                left = exp(m.engaged_rate * (self.at - at))
                self.read *= left
                self.ahead *= left
            if self.turns > 0.0:
                self.turns *= exp(m.confused_rate * (self.at - at))
            self.at = at

    def _moved(self, m: Model) -> tuple[float, float]:
        """Seconds this movement took, the rest before it included, and the % of the page it went ahead. Going
        back is neither."""
        seconds = (self.place_at - self.from_at) / 1000.0
        ahead = self.place - self.from_depth
        if ahead < 0.0:
            return 0.0, 0.0
        return min(seconds, m.pause_cap), ahead

    def _turned(self, m: Model) -> bool:
        if self.down:
            return self.extreme - self.place >= m.scroll_step
        return self.place - self.extreme >= m.scroll_step

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        at = self.at
        if at < 0:
            return
        read = self.read
        ahead = self.ahead
        turns = self.turns
        left = 1.0
        if now > at:
            left = exp(m.engaged_rate * (at - now))
            read *= left
            ahead *= left
            if turns > 0.0:
                turns *= exp(m.confused_rate * (at - now))
        deepest = self.deepest
        if self.moved:
            if not self.weighed:
                self.more_read, self.more_ahead = self._moved(m)
                self.turning = self._turned(m)
                self.weighed = True
            more_ahead = self.more_ahead
            more_read = self.more_read
            if more_ahead > 0.0 or more_read > 0.0:
                if self.place_at != at:
                    left = kept(m.engaged_rate, self.place_at, now)
                read += more_read * left
                ahead += more_ahead * left
            if self.turning:
                turns += kept(m.confused_rate, self.place_at, now)
            if self.place > deepest:
                deepest = self.place
        if turns > 0.0:
            turns /= m.scroll_full
            if turns > 1.0:
                turns = 1.0
            out.scroll_search = turns
            if turns > out.friction:
                out.friction = turns
        if ahead > 0.0:
            out.skimming = ahead / (ahead + (read + m.skim_prior) * m.skim)
        if read > 0.0:
            out.reading_pace = pace = read / (read + m.reading_half)
            if deepest >= _DEEP_FULL:
                out.deep_scroll = pace
            elif deepest > _DEEP_FROM:
                out.deep_scroll = (deepest - _DEEP_FROM) / (_DEEP_FULL - _DEEP_FROM) * pace

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        self.weighed = False
        snapshot.put(self, FIELDS, state)
