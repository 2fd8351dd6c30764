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


class Click:
    """One click: its place as plain numbers, which compiled code compares at once. `has_x`, `has_y`: they are known."""

    __slots__ = ("at", "has_x", "has_y", "target", "x", "y")

    def __init__(self, at: int, target: str | None, x: float | None, y: float | None) -> None:
        self.at: int = at
        self.target: str | None = target
        self.has_x: bool = x is not None
        self.has_y: bool = y is not None
        self.x: float = x if x is not None else 0.0
        self.y: float = y if y is not None else 0.0

    def is_near(self, other: "Click", radius: float) -> bool:
        """Whether it was on the same thing, at most `radius` px away each way."""
        return (
            self.has_x == other.has_x
            and self.has_y == other.has_y
            and abs(self.x - other.x) <= radius
            and abs(self.y - other.y) <= radius
            and self.target == other.target
        )


class RecentClicks:
    """The last clicks, the oldest first."""

    __slots__ = ("clicks",)

    def __init__(self) -> None:
        self.clicks: list[Click] = []

    def around(self, event: Event, m: Model) -> tuple[int, int]:
        """How many clicks of the last second were on this place, this one included, and their span in ms."""
        at = event.at
        size = 1
        first = at
        clicks = self.clicks
        click = Click(at, event.target, event.x, event.y)
        for i in range(len(clicks) - 1, -1, -1):
            then = clicks[i]
            if at - then.at > m.rage_window_ms:
                break
            if then.is_near(click, m.rage_radius):
                size += 1
                first = then.at
        if clicks and at - clicks[-1].at > m.rage_window_ms:
            clicks.clear()
        clicks.append(click)
        if len(clicks) > _MOST:
            del clicks[0]
        return size, at - first

    def state(self) -> list[object]:
        return [
            [click.at, click.target, click.x if click.has_x else None, click.y if click.has_y else None]
            for click in self.clicks
        ]

    def restore(self, state: object) -> None:
        clicks: Any = state
        if not isinstance(clicks, list):
            raise ValueError("the snapshot does not fit: no list of recent clicks")
        self.clicks = [Click(click[0], click[1], click[2], click[3]) for click in clicks]
