"""From points to one mood that does not flap."""

from typing import Final

from app.mood import snapshot
from app.mood.model.model import Model
from app.mood.reading import BORED, CONFUSED, CURIOUS, ENGAGED, FRUSTRATED, SATISFIED
from app.mood.strengths import Points

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

    def decide(self, now: int, points: Points, m: Model) -> bool:
        """Take the points of `now`; True when the mood is another than after the decision before."""
        stood = self.mood
        if now > self.at:
            self.at = now
            self.base_mood = stood
            self.base_previous = self.previous
            self.base_since = self.since
            new = self._choose(now, points, m)
            if new == stood:
                return False
        else:
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

    def _choose(self, now: int, points: Points, m: Model) -> int:
        """A mood is entered when its chance reaches its own threshold, and left below another; the visitor is engaged
        when no mood claims them. Of several that claim them the one furthest above its entry wins. All in
        log-odds, which are straight in the points: no exponential is needed to compare chances."""
        old = self.base_mood
        best = NONE
        above = 0.0  # its entry
        floors = m.floors
        # Written out: most moods are below their floor, which costs a comparison each.
        if points.frustrated >= floors.frustrated and old != FRUSTRATED:
            over = _over(FRUSTRATED, points.frustrated, m)
            if over >= 0.0:
                best = FRUSTRATED
                above = over
        if points.bored >= floors.bored and old != BORED:
            over = _over(BORED, points.bored, m)
            if over >= 0.0 and (best == NONE or over > above):
                best = BORED
                above = over
        if points.confused >= floors.confused and old != CONFUSED:
            over = _over(CONFUSED, points.confused, m)
            if over >= 0.0 and (best == NONE or over > above):
                best = CONFUSED
                above = over
        if points.curious >= floors.curious and old != CURIOUS:
            over = _over(CURIOUS, points.curious, m)
            if over >= 0.0 and (best == NONE or over > above):
                best = CURIOUS
                above = over
        if points.satisfied >= floors.satisfied and old != SATISFIED:
            over = _over(SATISFIED, points.satisfied, m)
            if over >= 0.0 and (best == NONE or over > above):
                best = SATISFIED
                above = over
        new = best if best != NONE else ENGAGED
        if old == NONE:
            return new
        if old != ENGAGED:
            held = m.curves[old]
            odds = (points.of(old) - held.even) / held.spread
            if odds >= held.leave and (best == NONE or above < odds - held.enter + m.lead):
                return old
        if new == old:
            return old
        if now - self.base_since < m.stay_ms and self.base_previous != NONE:
            next = m.curves[new]
            sure = new != ENGAGED and (points.of(new) - next.even) / next.spread >= next.sure
            if not sure:
                return old
        return new

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)


def _over(mood: int, points: float, m: Model) -> float:
    """How far above its entry a mood is, in log-odds."""
    curve = m.curves[mood]
    return (points - curve.even) / curve.spread - curve.enter
