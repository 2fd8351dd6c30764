"""All that is known of how one session behaves: events in, strengths of signals out."""

from app.mood.events import (
    BLUR,
    CLICK,
    COPY,
    CUSTOM,
    DEAD_CLICK,
    ERROR,
    FEEDBACK,
    FOCUS,
    GOAL,
    HOVER,
    IDLE,
    INPUT,
    NAVIGATION,
    PAGE_VIEW,
    PASTE,
    RAGE_CLICK,
    RESPONSE,
    SCROLL,
    SUBMIT,
    VISIBILITY,
    Event,
)
from app.mood.feedback import Feedback
from app.mood.model.model import Model
from app.mood.natures import MUTE, Natures
from app.mood.signals.clicks import ClickSignals
from app.mood.signals.doing import DoingSignals
from app.mood.signals.pages import PageSignals
from app.mood.signals.reading import ReadingSignals
from app.mood.signals.trouble import TroubleSignals
from app.mood.strengths import Strengths


class Behaviour:
    """Folds events in the order of time. The signals it gives depend on the events and `now` alone: asking
    changes nothing."""

    __slots__ = ("clicks", "doing", "feedback", "natures", "pages", "reading", "trouble")

    def __init__(self, started_at: int) -> None:
        self.clicks: ClickSignals = ClickSignals()
        self.trouble: TroubleSignals = TroubleSignals()
        self.pages: PageSignals = PageSignals()
        self.reading: ReadingSignals = ReadingSignals()
        self.doing: DoingSignals = DoingSignals(started_at)
        self.feedback: Feedback = Feedback()
        self.natures: Natures = Natures()

    def fold(self, code: int, event: Event, m: Model) -> None:
        """Take one event; `code`: of its type, as in `events.CODES`."""
        at = event.at
        if code == CLICK:
            self.doing.acted(at, m)
            self.doing.clicked(at)
            self.trouble.click(at, m)
            if event.usual is not None:
                self.natures.met(event, m)
            self.clicks.click(event, self.natures.patience(event, m), m)
            if event.target is not None:
                self.pages.saw(event.target, at, m)
        elif code == SCROLL:
            self.doing.acted(at, m)
            self.reading.scroll(event, m)
        elif code == HOVER:
            self.doing.acted(at, m)
            self.doing.hovered(event, m)
            if event.target is not None:
                self.pages.saw(event.target, at, m)
        elif code == RESPONSE:
            self.clicks.response(event, m)
        elif code in (PAGE_VIEW, NAVIGATION):
            self.doing.acted(at, m)
            if event.kind == "reload":
                self.doing.did_again(1.0, at, m)
            self._page(code, event, m)
        elif code == RAGE_CLICK:
            self.doing.acted(at, m)
            self.clicks.rage_click(event, self.natures.of(event), m)
        elif code == DEAD_CLICK:
            self.doing.acted(at, m)
            nature = self.natures.of(event)
            if not nature & MUTE:
                self.clicks.dead_click(event, nature, m)
        elif code == ERROR:
            self.trouble.error(event, m)
        elif code == INPUT:
            self.doing.acted(at, m)
        elif code == SUBMIT:
            self.doing.acted(at, m)
            self.doing.did_again(1.0, at, m)
        elif code == FOCUS:
            self.doing.acted(at, m)
            if event.target is not None:
                self.trouble.entered(event.target, at, m)
        elif code == BLUR:
            if event.target is not None:
                self.trouble.left(event.target, at, m)
        elif code in (COPY, PASTE):
            self.doing.acted(at, m)
            self.doing.did_again(m.again_copies, at, m)
        elif code == IDLE:
            self.doing.idled(event)
        elif code == VISIBILITY:
            if event.kind == "hidden":
                self.doing.hid(at)
            else:
                self.doing.showed(at)
        elif code == GOAL:
            self.doing.acted(at, m)
            self.doing.reached(at, m)
        elif code == FEEDBACK:
            self.feedback.heard(event, m)
        elif code == CUSTOM and event.name == "thrashed_cursor" and event.value is not None:
            self.trouble.thrashed(event.value, at, m)

    def _page(self, code: int, event: Event, m: Model) -> None:
        name = event.url if event.url is not None else event.target
        back = code == NAVIGATION and event.kind == "back"
        if self.pages.page_changed(name, back, event.at, m):
            self.reading.page(event.at, m)
            self.clicks.moved_on(event.at, m)
        if name is not None:
            self.pages.saw(name, event.at, m)

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        """Put the strength of each signal at `now` into `out`, whatever it held."""
        Strengths.__init__(out)  # all 0; a record of its own for each event would cost more
        self.clicks.strengths(now, m, out)
        if self.trouble.at >= 0:
            self.trouble.strengths(now, m, out)
        self.pages.strengths(now, m, out)
        self.reading.strengths(now, m, out)
        self.doing.strengths(now, m, out)
        out.arrived = 1.0
        if out.friction > 0.0:
            # who tries one thing after another in vain is not discovering
            vain = out.dead_click
            if out.unanswered_clicks > vain:
                vain = out.unanswered_clicks
            out.exploring *= 1.0 - vain
            # what is answered by a refusal, or left at once for the page before, is no success
            turning = out.back_and_forth
            against = turning
            if out.form_struggle > against:
                against = out.form_struggle
            if out.high_error_rate > against:
                against = out.high_error_rate
            out.smooth_progress *= 1.0 - against
            out.dwell *= 1.0 - turning
