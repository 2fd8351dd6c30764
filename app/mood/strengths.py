"""The strengths of all signals, and the points of all moods, as records of plain numbers.

Not lists: compiled code keeps a list's numbers as objects, one made and dropped for each that is written. Written out
for 25 signals and six moods: the hottest lines of the service.
"""

from app.mood.reading import BORED, CONFUSED, CURIOUS, ENGAGED, FRUSTRATED
from app.mood.signals.names import NAMES


class Strengths:
    """The strength of each signal, in [0, 1], by its name in `names.NAMES`. `friction`: of the strongest friction
    signal; whoever sets one keeps it."""

    __slots__ = (*NAMES, "friction")

    def __init__(self) -> None:
        self.friction: float = 0.0
        self.rage_click: float = 0.0
        self.dead_click: float = 0.0
        self.unanswered_clicks: float = 0.0
        self.slow_response: float = 0.0
        self.error_click: float = 0.0
        self.high_error_rate: float = 0.0
        self.thrashed_cursor: float = 0.0
        self.back_and_forth: float = 0.0
        self.repeated_actions: float = 0.0
        self.scroll_search: float = 0.0
        self.form_struggle: float = 0.0
        self.hover_search: float = 0.0
        self.long_idle: float = 0.0
        self.minimal_interaction: float = 0.0
        self.skimming: float = 0.0
        self.active_clicks: float = 0.0
        self.deep_scroll: float = 0.0
        self.reading_pace: float = 0.0
        self.dwell: float = 0.0
        self.exploring: float = 0.0
        self.smooth_progress: float = 0.0
        self.goal: float = 0.0
        self.recovered: float = 0.0
        self.repeat_use: float = 0.0
        self.arrived: float = 0.0

    def listed(self) -> list[float]:
        """In the order of `names.NAMES`."""
        return [
            self.rage_click,
            self.dead_click,
            self.unanswered_clicks,
            self.slow_response,
            self.error_click,
            self.high_error_rate,
            self.thrashed_cursor,
            self.back_and_forth,
            self.repeated_actions,
            self.scroll_search,
            self.form_struggle,
            self.hover_search,
            self.long_idle,
            self.minimal_interaction,
            self.skimming,
            self.active_clicks,
            self.deep_scroll,
            self.reading_pace,
            self.dwell,
            self.exploring,
            self.smooth_progress,
            self.goal,
            self.recovered,
            self.repeat_use,
            self.arrived,
        ]


class Points:
    """The raw score of each mood."""

    __slots__ = ("bored", "confused", "curious", "engaged", "frustrated", "satisfied")

    def __init__(self) -> None:
        self.frustrated: float = 0.0
        self.engaged: float = 0.0
        self.bored: float = 0.0
        self.confused: float = 0.0
        self.curious: float = 0.0
        self.satisfied: float = 0.0

    def of(self, mood: int) -> float:
        """Those of a mood by its place in MOODS."""
        if mood == ENGAGED:
            return self.engaged
        if mood == FRUSTRATED:
            return self.frustrated
        if mood == BORED:
            return self.bored
        if mood == CONFUSED:
            return self.confused
        return self.curious if mood == CURIOUS else self.satisfied

    def listed(self) -> list[float]:
        """In the order of MOODS."""
        return [self.frustrated, self.engaged, self.bored, self.confused, self.curious, self.satisfied]

    def put(self, points: list[float]) -> None:
        """`points`: in the order of MOODS."""
        self.frustrated = points[0]
        self.engaged = points[1]
        self.bored = points[2]
        self.confused = points[3]
        self.curious = points[4]
        self.satisfied = points[5]

    def add(self, points: list[float]) -> None:
        """`points`: in the order of MOODS."""
        self.frustrated += points[0]
        self.engaged += points[1]
        self.bored += points[2]
        self.confused += points[3]
        self.curious += points[4]
        self.satisfied += points[5]
