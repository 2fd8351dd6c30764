"""What the visitor answered to "was that right?"."""

from typing import Final

from app.mood import snapshot
from app.mood.decay import kept
from app.mood.events import Event
from app.mood.model.model import Model
from app.mood.reading import MOODS

FIELDS: Final = ("at", "said")


class Feedback:
    """A yes raises the named mood, a no lowers it; both fade as boredom does, the slowest."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.at: int = -1
        self.said: list[float] = []  # one per mood once something was said, yes +1, no -1

    def heard(self, event: Event, m: Model) -> None:
        if event.name not in MOODS:
            return
        if not self.said:
            self.said = [0.0] * len(MOODS)
        elif event.at > self.at:
            left = kept(m.bored_rate, self.at, event.at)
            self.said = [value * left for value in self.said]
        self.at = event.at
        self.said[MOODS.index(event.name)] += 1.0 if event.value is None or event.value > 0.0 else -1.0

    def points(self, mood: int, now: int, m: Model) -> float:
        """What the answers add to a mood's raw score at `now`."""
        if not self.said:
            return 0.0
        value = max(-1.0, min(1.0, self.said[mood] * kept(m.bored_rate, self.at, now)))
        return value * (m.feedback_yes if value > 0.0 else m.feedback_no)

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
