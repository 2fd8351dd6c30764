"""Every number of the mood engine: what it is worth, in which unit, within which bounds, and why.

WEIGHTS: points that a signal at full strength adds to (or takes from) a mood's raw score.
SETTINGS: everything else. Both are the shipped defaults; `Model.with_overrides` changes them for a project.
"""

from typing import Final


class Weight:
    """`points` of a signal at strength 1 for one mood, and the reason for them."""

    __slots__ = ("mood", "points", "reason", "signal")

    def __init__(self, signal: str, mood: str, points: float, reason: str) -> None:
        self.signal: str = signal
        self.mood: str = mood
        self.points: float = points
        self.reason: str = reason


class Setting:
    """One number: default, unit, bounds (inclusive) and reason."""

    __slots__ = ("high", "low", "name", "reason", "unit", "value")

    def __init__(self, name: str, value: float, unit: str, low: float, high: float, reason: str) -> None:
        self.name: str = name
        self.value: float = value
        self.unit: str = unit
        self.low: float = low
        self.high: float = high
        self.reason: str = reason


#: No weight may pass this, so that no single signal can drown all others.
MAX_POINTS: Final = 10.0

WEIGHTS: Final = (
    Weight("rage_click", "frustrated", 3.0, "rapid clicks on one place that nothing answered"),
    Weight("rage_click", "satisfied", -0.5, "nobody hammers on what works"),
    Weight("dead_click", "frustrated", 4.0, "the share of clicks that nothing answered carries across sites"),
    Weight("dead_click", "satisfied", -1.0, "a dead click is not success"),
    Weight("dead_click", "confused", 0.5, "clicking where nothing is also is not knowing where to click"),
    Weight("unanswered_clicks", "frustrated", 5.2, "clicks in a row with no answer: the page seems broken"),
    Weight("unanswered_clicks", "satisfied", -1.6, "an unanswered click is not success"),
    Weight("slow_response", "frustrated", 0.5, "waits annoy, but alone they told little"),
    Weight("error_click", "frustrated", 0.6, "it failed because of what the visitor did"),
    Weight("high_error_rate", "frustrated", 1.2, "several failures in a short time"),
    Weight("high_error_rate", "confused", 0.3, "errors have to be understood"),
    Weight("thrashed_cursor", "frustrated", 0.8, "shaking the pointer"),
    Weight("back_and_forth", "confused", 1.8, "the same pages again: what was looked for was not there"),
    Weight("repeated_actions", "confused", 0.8, "the same again and again, hoping for another outcome"),
    Weight("repeated_actions", "frustrated", 0.4, "repeating without progress"),
    Weight("scroll_search", "confused", 1.8, "up and down: looking for something"),
    Weight("form_struggle", "confused", 2.2, "returning to the same field, or being refused by it"),
    Weight("form_struggle", "frustrated", 1.0, "a form that keeps refusing"),
    Weight("hover_search", "confused", 0.8, "pointing at things without choosing"),
    Weight("long_idle", "bored", 2.0, "nothing for a long time, with the page in sight"),
    Weight("long_idle", "engaged", -0.8, "nothing to be engaged in"),
    Weight("minimal_interaction", "bored", 0.8, "hardly anything happens"),
    Weight("skimming", "bored", 0.5, "racing through a text"),
    Weight("skimming", "engaged", -0.4, "nobody races through what holds them"),
    Weight("active_clicks", "engaged", 1.0, "acting at a human pace"),
    Weight("deep_scroll", "engaged", 1.0, "going far into a page"),
    Weight("deep_scroll", "bored", -1.0, "the bored do not get far"),
    Weight("reading_pace", "engaged", 0.4, "the time spent reading"),
    Weight("reading_pace", "satisfied", 1.1, "people stay with what they like"),
    Weight("dwell", "satisfied", 1.85, "time given to pages that were left on purpose"),
    Weight("dwell", "engaged", 0.3, "time given to pages"),
    Weight("exploring", "curious", 2.8, "new pages and new things"),
    Weight("exploring", "engaged", -0.5, "who looks around has not settled on anything yet"),
    Weight("smooth_progress", "satisfied", 2.6, "the number of good answers told most of all"),
    Weight("smooth_progress", "engaged", 0.4, "it works, so one goes on"),
    Weight("smooth_progress", "frustrated", -1.5, "what answers does not frustrate"),
    Weight("goal", "satisfied", 2.5, "the visitor got what they came for"),
    Weight("goal", "frustrated", -0.8, "success ends trouble"),
    Weight("recovered", "satisfied", 0.8, "trouble that ended is a relief"),
    Weight("repeat_use", "engaged", 1.0, "stepping on one control: a zoom, a carousel, a player"),
    Weight("repeat_use", "frustrated", -0.8, "people who stepped were at ease, even before the answer"),
    Weight("arrived", "engaged", 1.0, "most visitors came to do something"),
)

_EVEN: Final = "points at which the chance is half of `most`; fitted to what people said"
_SPREAD: Final = "points that make the odds of the mood e times better; fitted to what people said"
_MOST: Final = "nobody is surer of a stranger"

# A mood's chance, how many of a hundred such visitors would say that they feel so, is
# most / (1 + exp((even - points) / spread)). It is the confidence of what is pushed; `enter` and `leave` are
# compared with it.
SETTINGS: Final = (
    Setting("temperature", 0.8, "points", 0.1, 5, "how many points make a mood e times likelier"),
    Setting("enter.frustrated", 0.805, "chance", 0, 1, "help interrupts: be wrong one time in five at most"),
    Setting("enter.bored", 0.60, "chance", 0, 1, "to re-engage costs little, and who is bored leaves soon"),
    Setting("enter.confused", 0.40, "chance", 0, 1, "a hint that is not needed disturbs nobody"),
    Setting(
        "enter.curious", 0.40, "chance", 0, 1, "to show more is what the curious want, and harms no other"
    ),
    Setting(
        "enter.satisfied", 0.755, "chance", 0, 1, "to ask for praise at the wrong time is a second trouble"
    ),
    Setting(
        "leave.frustrated",
        0.455,
        "chance",
        0,
        1,
        "until the trouble has faded it may come back at any moment",
    ),
    Setting("leave.bored", 0.3, "chance", 0, 1, "it takes some acts to end it: a lone one is a yawn"),
    Setting("leave.confused", 0.25, "chance", 0, 1, "the shortest mood: it fades by itself"),
    Setting("leave.curious", 0.35, "chance", 0, 1, "lasts as long as new things come"),
    Setting("leave.satisfied", 0.44, "chance", 0, 1, "satisfaction outlasts the act"),
    Setting(
        "lead", 0.25, "log-odds", 0, 10, "so much further above its entry a mood takes over from another"
    ),
    Setting("stay", 5, "s", 0, 600, "moods last: a change within 5 s is noise"),
    Setting("sure", 0.835, "chance", 0, 1, "so sure a mood need not wait for `stay`"),
    Setting("even.frustrated", 0.48, "points", -10, 20, _EVEN),
    Setting("even.engaged", 1.5, "points", -10, 20, _EVEN),
    Setting("even.bored", 0.735, "points", -10, 20, _EVEN),
    Setting("even.confused", 0.8, "points", -10, 20, _EVEN),
    Setting("even.curious", 1.2, "points", -10, 20, _EVEN),
    Setting("even.satisfied", 0.45, "points", -10, 20, _EVEN),
    Setting("spread.frustrated", 0.8, "points", 0.05, 10, _SPREAD),
    Setting("spread.engaged", 1.0, "points", 0.05, 10, _SPREAD),
    Setting("spread.bored", 0.3, "points", 0.05, 10, _SPREAD),
    Setting("spread.confused", 1.0, "points", 0.05, 10, _SPREAD),
    Setting("spread.curious", 1.0, "points", 0.05, 10, _SPREAD),
    Setting("spread.satisfied", 0.6, "points", 0.05, 10, _SPREAD),
    Setting(
        "most.frustrated",
        0.90,
        "chance",
        0.01,
        1,
        "of map visitors told so, 88 % of those with a clear answer said so, 76 % of all",
    ),
    Setting(
        "most.blind",
        0.48,
        "chance",
        0.01,
        1,
        "of frustration by dead clicks that name neither thing nor place: asked without choice, four in ten said so",
    ),
    Setting("most.engaged", 0.80, "chance", 0.01, 1, _MOST),
    Setting("most.bored", 0.90, "chance", 0.01, 1, _MOST),
    Setting("most.confused", 0.60, "chance", 0.01, 1, "right in about 40 % of alarms in the field"),
    Setting("most.curious", 0.60, "chance", 0.01, 1, "nobody was asked: no better than confusion"),
    Setting(
        "most.satisfied",
        0.85,
        "chance",
        0.01,
        1,
        "told so, 81 % of map users and 69 % of news readers said so",
    ),
    Setting("half_life.friction", 45, "s", 1, 3600, "frustration fades within minutes"),
    Setting("half_life.confused", 20, "s", 1, 3600, "confusion is the shortest mood"),
    Setting("half_life.curious", 30, "s", 1, 3600, "curiosity lasts as long as new things come"),
    Setting("half_life.engaged", 60, "s", 1, 3600, "activity of the last minutes"),
    Setting("half_life.satisfied", 90, "s", 1, 3600, "satisfaction outlasts the act"),
    Setting("half_life.bored", 120, "s", 1, 3600, "boredom fades slowest of the moods"),
    Setting(
        "half_life.dwell",
        180,
        "s",
        1,
        3600,
        "time given to a site tells over several pages, not over the last one",
    ),
    Setting("trouble.from", 0.5, "strength", 0, 1, "less than this was no trouble: nothing to recover from"),
    Setting("rage.clicks", 4, "clicks", 2, 20, "three vendors moved from 3 to 4; 3 if already dead"),
    Setting("rage.window", 1.0, "s", 0.2, 10, "hand speed of an angry click"),
    Setting(
        "rage.wait",
        0.5,
        "s",
        0,
        10,
        "pages that answer do so by then: a verdict this long after its clicks counts each of them as dead",
    ),
    Setting("rage.radius", 30, "px", 1, 500, "an unmoved hand"),
    Setting("rage.full", 3, "bursts", 1, 20, "the client's own verdicts that make full strength"),
    Setting(
        "rage.burst",
        0.1,
        "verdicts",
        0,
        1,
        "bursts told nothing where answers are reported: the places tried do",
    ),
    Setting("rage.unknown", 0.3, "verdicts", 0, 1, "a burst of a client that does not report answers"),
    Setting("rage.blind", 0.0, "verdicts", 0, 1, "a burst without target and place fires in any office work"),
    Setting(
        "rage.own", 1.0, "verdicts", 0, 20, "what our own findings may add up to: alone they prove nothing"
    ),
    Setting("rage.answered", 0.15, "share", 0, 1, "a burst that was answered is repeat use"),
    Setting("usual.visitors", 10, "visitors", 3, 10000, "fewer say nothing of an element"),
    Setting(
        "usual.verdicts", 10, "clicks", 1, 10000, "fewer clicks with a verdict say nothing of its answers"
    ),
    Setting("usual.mute", 0.1, "share", 0, 1, "answers so few: a label or a picture, its silence is no sign"),
    Setting("usual.works", 0.5, "share", 0, 1, "answers at least this often: what is clicked in rows works"),
    Setting("usual.reliable", 0.9, "share", 0, 1, "answers nearly all: its silence is a sign by itself"),
    Setting("usual.worth", 2, "dead clicks", 1, 10, "what a dead click on such a thing counts for"),
    Setting("usual.row", 3, "clicks", 1.5, 50, "clicked so often in a row by most: a stepper"),
    Setting("usual.patience", 2, "times", 1, 10, "the usual row of a stepper, before more is a burst"),
    Setting("dead.prior", 6, "clicks", 0, 50, "answered clicks taken for granted before any was seen"),
    Setting("dead.full", 0.5, "share", 0.05, 1, "every other click dead: nothing can be done here"),
    Setting("stuck.from", 1, "dead clicks", 0, 20, "one dead click on a thing is forgiven"),
    Setting(
        "stuck.full", 4, "dead clicks", 1, 50, "on one thing within a half-life: stuck, however well it went"
    ),
    Setting(
        "missed.share",
        0.15,
        "share",
        0,
        1,
        "more dead clicks on nothing in particular: that is how it is used",
    ),
    Setting("missed.tries", 1, "places", 0, 50, "places tried on nothing in particular count up to this"),
    Setting("silent.from", 1, "places", 0, 50, "places tried in a row without an answer that nobody minds"),
    Setting("silent.apart", 100, "px", 1, 1000, "a click this far from the others tries another place"),
    Setting(
        "silent.again",
        5,
        "s",
        0,
        600,
        "without coordinates, a click on the same thing so soon is the same try: 1 s alarmed 38 % of the calm, 5 s 11 %",
    ),
    Setting("silent.full", 7, "places", 1, 100, "places tried in a row without an answer for full strength"),
    Setting("wait.fine", 1.0, "s", 0, 60, "not felt"),
    Setting("wait.painful", 6.0, "s", 0.1, 120, "felt as broken"),
    Setting("slow.full", 3, "waits", 0.5, 50, "painful waits that make full strength"),
    Setting("good.half", 3, "answers", 0.5, 50, "good answers that make half strength"),
    Setting("errors.window", 1.0, "s", 0.1, 10, "an error this soon after a click comes from it"),
    Setting("errors.soft_window", 2.0, "s", 0.1, 20, "at half weight until then"),
    Setting("errors.click_full", 2, "errors", 0.5, 20, "errors after clicks that make full strength"),
    Setting("errors.from", 1.0, "errors", 0, 20, "one error is not a rate"),
    Setting("errors.full", 4.0, "errors", 0.5, 50, "errors within a half-life that make full strength"),
    Setting(
        "errors.client", 0.5, "errors", 0, 1, "a request refused with 4xx, or an action that did nothing"
    ),
    Setting("pages.quick", 5, "s", 0.5, 60, "back so soon means: not what was looked for"),
    Setting("pages.back", 0.25, "turns", 0, 1, "any other way back: pages are also left when they were read"),
    Setting("pages.full", 3, "turns", 0.5, 20, "turns back that make full strength"),
    Setting("pages.dwell_cap", 120, "s", 1, 3600, "a longer stay says no more"),
    Setting("pages.dwell_half", 120, "s", 1, 3600, "dwell that makes half strength"),
    Setting("repeats.from", 3, "clicks", 0, 50, "clicks on one target from which it is repeat use"),
    Setting("repeats.full", 10, "clicks", 1, 100, "clicks on one target in a half-life for full strength"),
    Setting("again.from", 1, "times", 0, 50, "a form sent, a page loaded: once is no repeat"),
    Setting("again.full", 4, "times", 0.5, 50, "the same in a half-life for full strength"),
    Setting("again.copies", 0.4, "times", 0, 5, "a copy or paste: it takes many to be a loop"),
    Setting("scroll.step", 25, "%", 1, 100, "a smaller turn is a reader's"),
    Setting("scroll.full", 4, "turns", 1, 50, "turns within a half-life for full strength"),
    Setting("reading.pause_cap", 60, "s", 1, 600, "longer than this, a pause is not reading any more"),
    Setting("reading.half", 30, "s", 1, 600, "reading that makes half strength"),
    Setting("reading.skim", 4, "%/s", 0.1, 100, "this fast through the page is half racing"),
    Setting("reading.skim_prior", 2, "s", 0, 60, "a first quick scroll is not yet racing"),
    Setting("forms.full", 3, "returns", 0.5, 20, "returns and refusals that make full strength"),
    Setting("forms.long", 30, "s", 1, 3600, "a field that is held so long is hard to fill in"),
    Setting("feedback.yes", 1.5, "points", 0, 10, "the visitor said: yes, so I feel"),
    Setting("feedback.no", 2.0, "points", 0, 10, "the visitor said: no, I don't"),
    Setting("hover.long", 2000, "ms", 100, 60000, "a pointer that rests this long is asking"),
    Setting("hover.full", 3, "hovers", 0.5, 20, "long hovers in a row that make full strength"),
    Setting("idle.from", 60, "s", 1, 3600, "a shorter pause is reading"),
    Setting("idle.full", 180, "s", 2, 7200, "silent so long with the page in sight"),
    Setting("pace.half", 5, "clicks", 0.5, 100, "clicks within a half-life that make half strength"),
    Setting("minimal.half", 20, "events", 1, 500, "events within a half-life at which half of it is gone"),
    Setting("explore.half", 3, "things", 0.5, 50, "new pages and things that make half strength"),
    Setting("help.warm_up", 20, "s", 0, 3600, "help at 10-30 s is the worst received"),
    Setting(
        "help.hold",
        1.5,
        "s",
        0,
        600,
        "the mood must hold, or rest on two signs: two kinds of trouble, or an angry hand on a page that was given "
        "`rage.wait` to answer",
    ),
    Setting("help.gap", 600, "s", 0, 86400, "one offer in ten minutes"),
    Setting("help.cap", 2, "offers", 0, 100, "two offers a session"),
    Setting("help.snooze", 1800, "s", 0, 86400, "not now means half an hour"),
    Setting("help.holdout", 0.10, "share", 0, 1, "sessions without help, to see whether help helps"),
)

#: Words for the moods where feelings must not be named, at work and in school: what the visitor does, not feels.
NEUTRAL_LABELS: Final = {
    "frustrated": "hindered",
    "engaged": "active",
    "bored": "idle",
    "confused": "searching",
    "curious": "exploring",
    "satisfied": "progressing",
}

ACTIONS: Final = {
    "frustrated": "offer_help",
    "engaged": "none",
    "bored": "re_engage",
    "confused": "show_guidance",
    "curious": "highlight_features",
    "satisfied": "ask_feedback",
}
