"""The named patterns. A signal's strength is in [0, 1]; the model says what it is worth to each mood."""

from typing import Final

RAGE_CLICK: Final = 0
DEAD_CLICK: Final = 1
UNANSWERED_CLICKS: Final = 2
SLOW_RESPONSE: Final = 3
ERROR_CLICK: Final = 4
HIGH_ERROR_RATE: Final = 5
THRASHED_CURSOR: Final = 6
BACK_AND_FORTH: Final = 7
REPEATED_ACTIONS: Final = 8
SCROLL_SEARCH: Final = 9
FORM_STRUGGLE: Final = 10
HOVER_SEARCH: Final = 11
LONG_IDLE: Final = 12
MINIMAL_INTERACTION: Final = 13
SKIMMING: Final = 14
ACTIVE_CLICKS: Final = 15
DEEP_SCROLL: Final = 16
READING_PACE: Final = 17
DWELL: Final = 18
EXPLORING: Final = 19
SMOOTH_PROGRESS: Final = 20
GOAL: Final = 21
RECOVERED: Final = 22
REPEAT_USE: Final = 23
ARRIVED: Final = 24

NAMES: Final = (
    "rage_click",
    "dead_click",
    "unanswered_clicks",
    "slow_response",
    "error_click",
    "high_error_rate",
    "thrashed_cursor",
    "back_and_forth",
    "repeated_actions",
    "scroll_search",
    "form_struggle",
    "hover_search",
    "long_idle",
    "minimal_interaction",
    "skimming",
    "active_clicks",
    "deep_scroll",
    "reading_pace",
    "dwell",
    "exploring",
    "smooth_progress",
    "goal",
    "recovered",
    "repeat_use",
    "arrived",
)
COUNT: Final = 25

#: The first so many are friction: what a person has to get over.
FRICTION_COUNT: Final = 12
