"""What speaks for a mood, from the strengths of the signals."""

from typing import Final

from app.mood.behaviour import Behaviour
from app.mood.model.model import Model
from app.mood.reading import Evidence
from app.mood.signals.names import COUNT, NAMES
from app.mood.strengths import Strengths
from app.mood.words import describe

#: A signal that adds less than this is not named as a reason.
_NAMED_FROM: Final = 0.1
#: Points that are shown as 0.00.
_NOTHING: Final = 0.005


def named(strong: Strengths, mood: int, m: Model) -> list[str]:
    """The signals that raised a mood, strongest first."""
    strengths = strong.listed()
    rows = m.rows
    raised = [
        (-strengths[i] * rows[i][mood], i)
        for i in range(COUNT)
        if strengths[i] * rows[i][mood] >= _NAMED_FROM
    ]
    raised.sort()
    return [NAMES[i] for _, i in raised]


def because(strong: Strengths, mood: int, now: int, behaviour: Behaviour, m: Model) -> list[Evidence]:
    """Everything that raised or lowered a mood at `now`, strongest first; the points sum to its raw score."""
    strengths = strong.listed()
    rows = m.rows
    found: list[tuple[float, int]] = []
    for i in range(COUNT):
        points = strengths[i] * rows[i][mood]
        if points != 0.0:
            found.append((points, i))
    found.sort(key=lambda pair: (-abs(pair[0]), pair[1]))
    while len(found) > 1 and abs(found[-1][0]) < _NOTHING:
        # what rounds to nothing is no reason; it goes with the strongest, so that the sum is the score
        points, _ = found.pop()
        found[0] = (found[0][0] + points, found[0][1])
    evidence: list[Evidence] = []
    said = behaviour.feedback.points(mood, now, m)
    if said != 0.0:
        evidence.append(Evidence("feedback", said, 1, f"the visitor said {'yes' if said > 0.0 else 'no'}"))
    for points, i in found:
        count, text = describe(i, behaviour, now, m)
        evidence.append(Evidence(NAMES[i], points, count, text))
    return evidence
