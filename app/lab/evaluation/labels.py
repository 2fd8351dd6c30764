"""What people were asked, and which score should rise with a yes."""

from collections.abc import Mapping
from typing import Final

MOODS: Final = ("frustrated", "engaged", "bored", "confused", "curious", "satisfied")

#: label -> (mood, sign): a score that should rise (+1) or fall (-1) with it. Each mood is its own label.
READ: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    **{mood: ((mood, 1),) for mood in MOODS},
    "frustrated_or_not": (("frustrated", 1),),
    "frustrated_extremes": (("frustrated", 1),),
    "dissatisfied": (("satisfied", -1),),
    "inefficient": (("frustrated", 1), ("confused", 1)),
    "hard": (("frustrated", 1), ("confused", 1)),
}


def read_score(label: str, scores: Mapping[str, float]) -> float:
    """The number that should rank people by `label`."""
    return sum(sign * scores[mood] for mood, sign in READ[label])


def is_ordinary(labels: Mapping[str, float | None], events: int) -> bool:
    """Whether an alarm in this session is a false one: the person said it went well, or nobody was asked.
    Visits of fewer than three events say nothing and are left out."""
    if events < 3:
        return False
    return not labels or labels.get("satisfied") == 1 or labels.get("ordinary") == 1
