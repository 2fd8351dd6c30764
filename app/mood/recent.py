"""The clicks of the last second: how many of them were on one place."""

from typing import Any, Final

from app.mood.events import Event
from app.mood.model.model import Model

_MOST: Final = 12  # clicks that are looked at


def near(a: float | None, b: float | None, radius: float) -> bool:
    """Whether two coordinates (px) are at most `radius` apart; where one is not known, neither may be."""
    if a is None or b is None:
        return a is b
    return abs(a - b) <= radius


class RecentClicks:
    """The last clicks, the oldest first."""

    __slots__ = ("clicks",)

    def __init__(self) -> None:
        self.clicks: list[tuple[int, str | None, float | None, float | None]] = []

    def around(self, event: Event, m: Model) -> tuple[int, int]:
        """How many clicks of the last second were on this place, this one included, and their span in ms."""
        at = event.at
        size = 1
        first = at
        clicks = self.clicks
        for i in range(len(clicks) - 1, -1, -1):
            then, target, x, y = clicks[i]
            if at - then > m.rage_window_ms:
                break
            if target == event.target and near(x, event.x, m.rage_radius) and near(y, event.y, m.rage_radius):
                size += 1
                first = then
        if clicks and at - clicks[-1][0] > m.rage_window_ms:
            clicks.clear()
        clicks.append((at, event.target, event.x, event.y))
        if len(clicks) > _MOST:
            del clicks[0]
        return size, at - first

    def state(self) -> list[object]:
        return [list(click) for click in self.clicks]

    def restore(self, state: object) -> None:
        clicks: Any = state
        if not isinstance(clicks, list):
            raise ValueError("the snapshot does not fit: no list of recent clicks")
        self.clicks = [(click[0], click[1], click[2], click[3]) for click in clicks]
