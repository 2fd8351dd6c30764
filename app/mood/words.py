"""Evidence in words and counts."""

from app.mood.behaviour import Behaviour
from app.mood.model.model import Model
from app.mood.reading import ENGAGED
from app.mood.signals.names import (
    ARRIVED,
    BACK_AND_FORTH,
    DEAD_CLICK,
    DEEP_SCROLL,
    DWELL,
    ERROR_CLICK,
    EXPLORING,
    FORM_STRUGGLE,
    GOAL,
    HIGH_ERROR_RATE,
    HOVER_SEARCH,
    LONG_IDLE,
    RAGE_CLICK,
    READING_PACE,
    SCROLL_SEARCH,
    SLOW_RESPONSE,
    SMOOTH_PROGRESS,
    THRASHED_CURSOR,
    UNANSWERED_CLICKS,
)


def describe(signal: int, b: Behaviour, now: int, m: Model) -> tuple[int, str]:
    """How many facts stand behind a signal, and what it says."""
    clicks = b.clicks
    trouble = b.trouble
    if signal == RAGE_CLICK:
        if clicks.rage > 0.0:
            return clicks.rage_count, f"{_many(clicks.rage_count, 'burst')} of rapid clicks on one place"
        where = f" on {clicks.burst_target}" if clicks.burst_target else ""
        answer = ""
        if clicks.burst_known:
            answer = ", nothing answered" if clicks.burst_at > clicks.settled_at() else ", answered"
        return (
            clicks.burst_size,
            f"{clicks.burst_size} clicks{where} in {clicks.burst_span / 1000:.1f} s{answer}",
        )
    if signal == DEAD_CLICK:
        count = clicks.unanswered(now, m)
        return count, f"{_many(count, 'click')} that nothing answered"
    if signal == UNANSWERED_CLICKS:
        return clicks.silent, f"{_many(clicks.silent, 'click')} in a row without an answer"
    if signal == SLOW_RESPONSE:
        return clicks.slow_count, f"{_many(clicks.slow_count, 'slow answer')}"
    if signal == SMOOTH_PROGRESS:
        return clicks.good_count, f"{_many(clicks.good_count, 'action')} answered"
    if signal == ERROR_CLICK:
        return trouble.click_errors_count, f"{_many(trouble.click_errors_count, 'error')} right after a click"
    if signal == HIGH_ERROR_RATE:
        return trouble.errors_count, f"{_many(trouble.errors_count, 'error')}"
    if signal == FORM_STRUGGLE:
        return trouble.forms_count, f"had trouble with a form {_many(trouble.forms_count, 'time')}"
    if signal == THRASHED_CURSOR:
        return trouble.thrash_count, "moved the pointer wildly"
    if signal == BACK_AND_FORTH:
        turns = b.pages.turns_count + (1 if b.pages.turn > 0.0 else 0)
        return turns, f"went back {_many(turns, 'time')}"
    if signal == DWELL:
        return 1, "took time for the pages before"
    if signal == EXPLORING:
        return b.pages.new_count, f"looked at {_many(b.pages.new_count, 'new thing')}"
    if signal == SCROLL_SEARCH:
        turns = b.reading.turns_count
        return turns, f"changed the scroll direction {_many(turns, 'time')}"
    if signal == READING_PACE:
        return 1, "reads at a steady pace"
    if signal == DEEP_SCROLL:
        return 1, f"scrolled through {b.reading.deepest:.0f} % of the page"
    if signal == HOVER_SEARCH:
        return b.doing.hovers, f"rested the pointer {_many(b.doing.hovers, 'time')} without a click"
    if signal == LONG_IDLE:
        return 1, f"did nothing for {max(0, now - b.doing.quiet_since) // 1000} s"
    if signal == GOAL:
        return b.doing.goals_count, f"{_many(b.doing.goals_count, 'goal')} reached"
    if signal == ARRIVED:
        return 1, f"too early to say: every visit starts as {m.labels[ENGAGED]}"
    return 1, _PLAIN[signal]


_PLAIN: dict[int, str] = {
    8: "did the same thing again and again",
    13: "does very little",
    14: "scrolls too fast to read",
    15: "clicks at an unhurried pace",
    22: "the trouble is over",
    23: "uses one control again and again",
}


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"1 {one}" if count == 1 else f"{count} {many or one + 's'}"
