"""From points to one mood that does not flap."""

from typing import Final

from app.mood import snapshot
from app.mood.model.model import Model
from app.mood.reading import ENGAGED

FIELDS: Final = ("at", "base_mood", "base_previous", "base_since", "mood", "previous", "since")
NONE: Final = -1


class Decision:
    """The current mood with its history. Decisions of one millisecond all start from what stood before it,
    so that the last one does not depend on those between."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.at: int = -1
        self.mood: int = NONE
        self.previous: int = NONE
        self.since: int = -1
        self.base_mood: int = NONE
        self.base_previous: int = NONE
        self.base_since: int = -1

    def decide(self, now: int, points: list[float], m: Model) -> bool:
        """Take the points of `now`; True when the mood is another than after the decision before."""
        if now > self.at:
            self.at = now
            self.base_mood = self.mood
            self.base_previous = self.previous
            self.base_since = self.since
        stood = self.mood
        new = self._choose(now, points, m)
        if new == self.base_mood:
            self.mood = new
            self.previous = self.base_previous
            self.since = self.base_since
        else:
            self.mood = new
            self.previous = self.base_mood
            self.since = now
        return new != stood

    def _choose(self, now: int, points: list[float], m: Model) -> int:
        """A mood is entered when its chance reaches its own threshold, and left below another; the visitor is engaged
        when no mood claims them. Of several that claim them the one furthest above its entry wins. All in
        log-odds, which are straight in the points: no exponential is needed to compare chances."""
        old = self.base_mood
        best = NONE
        above = 0.0  # its entry
        curves = m.curves
        floors = m.floors
        for mood in range(len(floors)):
            if points[mood] >= floors[mood] and mood != old:
                curve = curves[mood]
                over = (points[mood] - curve.even) / curve.spread - curve.enter
                if over >= 0.0 and (best == NONE or over > above):
                    best = mood
                    above = over
        new = best if best != NONE else ENGAGED
        if old == NONE:
            return new
        if old != ENGAGED:
            held = curves[old]
            odds = (points[old] - held.even) / held.spread
            if odds >= held.leave and (best == NONE or above < odds - held.enter + m.lead):
                return old
        if new == old:
            return old
        if now - self.base_since < m.stay_ms and self.base_previous != NONE:
            next = curves[new]
            sure = new != ENGAGED and (points[new] - next.even) / next.spread >= next.sure
            if not sure:
                return old
        return new

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
