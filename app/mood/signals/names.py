"""The named patterns: what each is, how strong it is, an example, where the rule comes from.

A signal's strength has no unit and lies in [0, 1]; the model says what it is worth to each mood. A count that is
"faded" loses half of itself in each half-life: sum(0.5 ** (age / half_life)), ages and half-lives in seconds. ramp(x,
from, full) is 0 up to `from`, 1 from `full` on, straight between; half(x, at) = x / (x + at). Names in `code` are
settings of `model/numbers.py`, with their units there. Examples hold at the moment of the last event. Where no source
is named the rule is our own, and was kept for its meaning or for what it told apart on the recordings
(docs/accuracy.md).
"""

from typing import Final

#: max(min(`rage.own`, own bursts, faded), the client's verdicts, faded) / `rage.full`, half-life friction. Three
#: `rage_click` events within a second: 1. Source: https://github.com/PostHog/posthog-js, extensions/rageclick.ts.
RAGE_CLICK: Final = 0
#: The greatest of: ramp(dead clicks on one thing less its answers, `stuck.from`, `stuck.full`), the same of clicks
#: that a verdict saw unanswered, and the share of dead clicks in all, faded over engaged, / `dead.full`. Four dead
#: clicks on #pay: 1. Source: https://github.com/getsentry/sentry-javascript,
#: replay-internal/src/coreHandlers/handleClick.ts.
DEAD_CLICK: Final = 1
#: ramp(places tried in a row, `silent.apart` px apart, none answered, faded over friction, `silent.from`,
#: `silent.full`). Four buttons tried at once in vain: (4 - 1) / (7 - 1) = 0.5. Only of clients that report answers.
UNANSWERED_CLICKS: Final = 2
#: sum(ramp(wait, `wait.fine`, `wait.painful`)), faded over friction, / `slow.full`. One answer after 3.5 s: 0.5 / 3 =
#: 0.17.
SLOW_RESPONSE: Final = 3
#: Errors within `errors.window` of a click (half until `errors.soft_window`), faded over friction, /
#: `errors.click_full`. A click and an error 0.3 s later: 1 / 2 = 0.5. Refusals (4xx, validation) count
#: `errors.client`.
ERROR_CLICK: Final = 4
#: ramp(errors, faded over friction, `errors.from`, `errors.full`). Two errors at once: (2 - 1) / (4 - 1) = 0.33.
HIGH_ERROR_RATE: Final = 5
#: The client's own scores, faded over friction, summed, 1 at most. One `thrashed_cursor` of 0.8: 0.8.
THRASHED_CURSOR: Final = 6
#: Turns back within `pages.quick`, or A-B-A-B (others by the back button: `pages.back`), faded over confused, /
#: `pages.full`. Back to the page before after 3 s: 1 / 3 = 0.33.
BACK_AND_FORTH: Final = 7
#: ramp(forms sent, reloads, copies at `again.copies`, faded over friction, `again.from`, `again.full`). A form sent
#: twice in a second: (2 - 1) / (4 - 1) = 0.33.
REPEATED_ACTIONS: Final = 8
#: Turns of at least `scroll.step` % of the page, faded over confused, / `scroll.full`. Down, up, down, up in 4 s:
#: about 0.7.
SCROLL_SEARCH: Final = 9
#: Returns to a field, fields held for `forms.long`, refusals, faded over friction, / `forms.full`. A field left and
#: entered again: 1 / 3 = 0.33.
FORM_STRUGGLE: Final = 10
#: Hovers of `hover.long` ms and more since the last click, / `hover.full`. Two of them: 0.67.
HOVER_SEARCH: Final = 11
#: ramp(silence with the page in sight, `idle.from`, `idle.full`), or half a client's verdict. Two minutes: 0.5.
LONG_IDLE: Final = 12
#: `minimal.half` / (`minimal.half` + acts, faded over engaged), with the page in sight. Five acts at once: 20 / 25 =
#: 0.8.
MINIMAL_INTERACTION: Final = 13
#: a / (a + (t + `reading.skim_prior`) x `reading.skim`); a: % of the page gone ahead, t: s that it took, both faded
#: over engaged. 80 % in 3 s: 80 / (80 + 5 x 4) = 0.8.
SKIMMING: Final = 14
#: half(clicks that are part of no burst, faded over engaged, `pace.half`). Five at once: 0.5.
ACTIVE_CLICKS: Final = 15
#: ramp(deepest place, 25 %, 90 %) x READING_PACE. At 57.5 % after 30 s of reading: 0.5 x 0.5 = 0.25.
DEEP_SCROLL: Final = 16
#: half(s spent scrolling ahead, each pause `reading.pause_cap` at most, faded over engaged, `reading.half`). 30 s:
#: 0.5.
READING_PACE: Final = 17
#: half(s given to pages that were left, each `pages.dwell_cap` at most, faded over dwell, `pages.dwell_half`). 120 s:
#: 0.5.
DWELL: Final = 18
#: half(pages and things met for the first time, faded over curious, `explore.half`), times 1 less the stronger of
#: DEAD_CLICK and UNANSWERED_CLICKS. Three at once: 0.5.
EXPLORING: Final = 19
#: half(sum(1 - ramp(wait, `wait.fine`, `wait.painful`)), faded over satisfied, `good.half`), times 1 less DEAD_CLICK,
#: times 1 less what refuses or turns back. Three quick answers: 0.5.
SMOOTH_PROGRESS: Final = 20
#: `goal` events, faded over satisfied, 1 at most. One just now: 1.
GOAL: Final = 21
#: (the worst friction, faded over bored, less that of now) x SMOOTH_PROGRESS, from `trouble.from` on.
RECOVERED: Final = 22
#: ramp(the most clicks on one thing, faded over friction, `repeats.from`, `repeats.full`). Six fast ones: 3 / 7 =
#: 0.43.
REPEAT_USE: Final = 23
#: 1 from the first event on: every visit starts as engaged.
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
