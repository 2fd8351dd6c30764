"""What the engine says: a reading, and the two things it can report by itself."""

from typing import Final

#: The six moods, in the order of every list of scores.
MOODS: Final = ("frustrated", "engaged", "bored", "confused", "curious", "satisfied")
FRUSTRATED: Final = 0
ENGAGED: Final = 1
BORED: Final = 2
CONFUSED: Final = 3
CURIOUS: Final = 4
SATISFIED: Final = 5


class Evidence:
    """One reason for the current mood. `points`: what it added to (or took from) the mood's raw score.
    `count`: how many facts stand behind it. `text`: the same in words."""

    __slots__ = ("count", "points", "signal", "text")

    def __init__(self, signal: str, points: float, count: int, text: str) -> None:
        self.signal: str = signal
        self.points: float = points
        self.count: int = count
        self.text: str = text


class Reading:
    """How the session stands. `scores`: one per mood, in [0, 1], sum 1. `confidence`: in [0, 1], the share of
    such readings that people confirm. `signals`: names of what raised the mood, strongest first. `because`:
    everything that raised or lowered it; the points sum to the mood's raw score. `since`: ms, when the mood
    began. `as_of`: ms, the moment the scores were taken; `previous`: the mood before, None for the first. `label`: the
    word to show for the mood."""

    __slots__ = (
        "as_of",
        "because",
        "confidence",
        "event_count",
        "label",
        "mood",
        "previous",
        "scores",
        "signals",
        "since",
        "suggested_action",
    )

    def __init__(
        self,
        mood: str,
        confidence: float,
        suggested_action: str,
        signals: list[str],
        event_count: int,
        scores: dict[str, float],
        because: list[Evidence],
        since: int,
        as_of: int,
        previous: str | None,
        label: str,
    ) -> None:
        self.mood: str = mood
        self.confidence: float = confidence
        self.suggested_action: str = suggested_action
        self.signals: list[str] = signals
        self.event_count: int = event_count
        self.scores: dict[str, float] = scores
        self.because: list[Evidence] = because
        self.since: int = since
        self.as_of: int = as_of
        self.previous: str | None = previous
        self.label: str = label


class Change:
    """The mood became another one at `at` (ms). The first event's reading is a change from None. `because`: the
    evidence, where time alone brought it; else a reading has it."""

    __slots__ = (
        "at",
        "because",
        "confidence",
        "event_count",
        "mood",
        "previous",
        "signals",
        "suggested_action",
    )

    def __init__(
        self,
        at: int,
        mood: str,
        previous: str | None,
        confidence: float,
        suggested_action: str,
        signals: list[str],
        event_count: int,
    ) -> None:
        self.at: int = at
        self.mood: str = mood
        self.previous: str | None = previous
        self.confidence: float = confidence
        self.suggested_action: str = suggested_action
        self.signals: list[str] = signals
        self.event_count: int = event_count
        self.because: list[Evidence] = []


class Offer:
    """Help is due at `at` (ms). `id` is unique in the session. `holdout`: count it, but show nothing."""

    __slots__ = ("at", "holdout", "id")

    def __init__(self, at: int, id: str, holdout: bool) -> None:
        self.at: int = at
        self.id: str = id
        self.holdout: bool = holdout
