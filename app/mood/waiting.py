"""Clicks that nothing has answered yet, to see whether a client's verdict on them came after the wait."""

from typing import Any, Final

from app.mood.events import REPORTS_RESPONSE, Event
from app.mood.model.model import Model

_MOST: Final = (
    24  # clicks that are remembered at a time: more than a hand makes in the span that is looked at
)


class Waiting:
    """The last clicks of a client that reports answers, each until it is answered. `left`: those that waited when
    another page came, at `left_at`."""

    __slots__ = ("clicks", "left", "left_at")

    def __init__(self) -> None:
        self.clicks: list[tuple[int, str]] = []
        self.left: list[tuple[int, str]] = []
        self.left_at: int = -1

    def click(self, target: str, at: int, m: Model) -> None:
        clicks = self.clicks
        oldest = at - _span(m)
        if self.left and at > self.left_at:
            self.left = []
        while clicks and clicks[0][0] < oldest:
            del clicks[0]
        if len(clicks) < _MOST:
            clicks.append((at, target))

    def answer(self, target: str | None) -> None:
        """Without a target an answer speaks for all."""
        if self.clicks:
            self.clicks = [] if target is None else [click for click in self.clicks if click[1] != target]

    def moved_on(self, at: int) -> None:
        """Another page speaks for all."""
        if at > self.left_at:
            self.left = self.clicks
            self.left_at = at
        elif self.clicks:
            self.left = self.left + self.clicks
        self.clicks = []

    def rested(self, verdict: Event, m: Model) -> bool:
        """Whether a verdict was right to call a burst unanswered, be it that a page came in its very millisecond."""
        if not verdict.reports & REPORTS_RESPONSE:
            return False
        if self.left_at == verdict.at:
            return self._count(self.clicks, verdict, m) + self._count(self.left, verdict, m) >= m.rage_clicks
        return self.burst(verdict, m) > 0

    def burst(self, verdict: Event, m: Model) -> int:
        """How many clicks on its target a verdict was right to call unanswered: those it waited `rage.wait` for.
        0 when they are fewer than `rage.clicks`: it came with the clicks, and nobody could know yet."""
        count = self._count(self.clicks, verdict, m)
        return count if count >= m.rage_clicks else 0

    def _count(self, clicks: list[tuple[int, str]], verdict: Event, m: Model) -> int:
        youngest = verdict.at - m.rage_wait_ms
        oldest = verdict.at - _span(m)
        count = 0
        for at, target in clicks:
            if target == verdict.target and oldest <= at <= youngest:
                count += 1
        return count

    def state(self) -> list[object]:
        return [[list(click) for click in self.clicks], [list(click) for click in self.left], self.left_at]

    def restore(self, state: object) -> None:
        parts: Any = state
        if not isinstance(parts, list) or len(parts) != 3:
            raise ValueError("the snapshot does not fit: no list of waiting clicks")
        self.clicks = [(click[0], click[1]) for click in parts[0]]
        self.left = [(click[0], click[1]) for click in parts[1]]
        self.left_at = parts[2]


def _span(m: Model) -> int:
    """Clicks from further back belong to no verdict of now: they lie within `rage.window`, it comes `rage.wait`
    after them, and a busy page makes it late by another window at most."""
    return int(m.rage_wait_ms + 2.0 * m.rage_window_ms)
