"""From scores to one mood that does not flap."""

from typing import Final

from app.mood import snapshot
from app.mood.model import Model
from app.mood.reading import ENGAGED, FRUSTRATED

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

    def decide(self, now: int, scores: list[float], m: Model) -> bool:
        """Take the scores of `now`; True when the mood is another than after the decision before."""
        if now > self.at:
            self.at = now
            self.base_mood = self.mood
            self.base_previous = self.previous
            self.base_since = self.since
        stood = self.mood
        new = self._choose(now, scores, m)
        if new == self.base_mood:
            self.mood = new
            self.previous = self.base_previous
            self.since = self.base_since
        else:
            self.mood = new
            self.previous = self.base_mood
            self.since = now
        return new != stood

    def _choose(self, now: int, scores: list[float], m: Model) -> int:
        old = self.base_mood
        best = NONE
        for mood in range(len(scores)):
            score = scores[mood]
            if mood != old and score >= m.enter[mood] and (best == NONE or score > scores[best]):
                best = mood
        if old == NONE:
            return best if best != NONE else _top_calm(scores)
        if old == FRUSTRATED and scores[old] < m.leave and now - self.base_since >= m.stay_ms:
            return _top_calm(scores)
        if best == NONE:
            return old
        if scores[best] < scores[old] + m.lead:
            return old
        if now - self.base_since < m.stay_ms and scores[best] < m.sure and self.base_previous != NONE:
            return old
        return best

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)


def _top_calm(scores: list[float]) -> int:
    """The best mood but frustrated, which must reach its entry."""
    top = ENGAGED
    for mood in range(1, len(scores)):
        if scores[mood] > scores[top]:
            top = mood
    return top
