"""What goes wrong: errors, errors right after a click, forms that refuse, a shaken pointer."""

from math import exp
from typing import Final

from app.mood import snapshot
from app.mood.decay import faded, kept, ramp
from app.mood.events import Event
from app.mood.model.model import Model
from app.mood.strengths import Strengths

FIELDS: Final = (
    "at",
    "click_at",
    "click_before",
    "click_errors",
    "click_errors_count",
    "errors",
    "errors_at",
    "errors_count",
    "errors_now",
    "fields",
    "forms",
    "forms_count",
    "thrash",
    "thrash_count",
)

_FIELDS_KEPT: Final = 16  # form fields that are remembered at a time


class TroubleSignals:
    """Failures fade with the half-life of frustration."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.at: int = -1
        self.click_at: int = -1
        self.click_before: int = -1  # the last click before this millisecond
        self.errors: float = 0.0
        self.errors_count: int = 0
        self.errors_at: int = -1
        self.errors_now: float = 0.0  # weight of the errors of the millisecond errors_at
        self.click_errors: float = 0.0
        self.click_errors_count: int = 0
        self.forms: float = 0.0
        self.forms_count: int = 0
        self.thrash: float = 0.0
        self.thrash_count: int = 0
        self.fields: dict[str, list[int]] = {}

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            left = kept(m.friction_rate, self.at, at)
            self.errors = faded(self.errors, left)
            self.click_errors = faded(self.click_errors, left)
            self.forms = faded(self.forms, left)
            self.thrash = faded(self.thrash, left)
            self.at = at

    def click(self, at: int, m: Model) -> None:
        if at > self.click_at:
            self.click_before = self.click_at
            self.click_at = at
            if self.errors_at == at:
                # errors that arrived before the click of the same millisecond belong to it
                self._fade(at, m)
                self.click_errors += self.errors_now * (1.0 - self._share(self.click_before, at, m))

    def error(self, event: Event, m: Model) -> None:
        at = event.at
        self._fade(at, m)
        refused = event.value is not None and 400.0 <= event.value < 500.0
        soft = refused or event.kind == "validation" or event.kind == "action"
        worth = m.errors_client if soft else 1.0
        self.errors += worth
        self.errors_count += 1
        if at > self.errors_at:
            self.errors_at = at
            self.errors_now = 0.0
        self.errors_now += worth
        share = self._share(self.click_at, at, m)
        if share > 0.0:
            self.click_errors += worth * share
            self.click_errors_count += 1
        if event.kind == "validation":
            self._struggle(at, m)

    def _share(self, click_at: int, at: int, m: Model) -> float:
        if click_at < 0:
            return 0.0
        if at - click_at <= m.errors_window_ms:
            return 1.0
        return 0.5 if at - click_at <= m.errors_soft_window_ms else 0.0

    def entered(self, field: str, at: int, m: Model) -> None:
        """A field got the focus: a return, if it was left before."""
        visit = self._visit(field)
        if 0 <= visit[2] < at:
            self._struggle(at, m)
        if at > visit[0]:
            visit[1] = visit[0]
            visit[0] = at

    def left(self, field: str, at: int, m: Model) -> None:
        """A field lost the focus: a struggle, if it was held long."""
        visit = self._visit(field)
        held_since = visit[0] if visit[0] < at else visit[1]
        if held_since >= 0 and held_since >= visit[3] and at - held_since >= m.field_long_ms:
            self._struggle(at, m)
        if visit[2] < 0:
            visit[2] = at
        visit[3] = at

    def _struggle(self, at: int, m: Model) -> None:
        self._fade(at, m)
        self.forms += 1.0
        self.forms_count += 1

    def _visit(self, field: str) -> list[int]:
        """When a field was entered last, entered before that, left first and left last; ms, -1: never."""
        fields = self.fields
        visit = fields.get(field)
        if visit is None:
            if len(fields) >= _FIELDS_KEPT:
                del fields[min(fields, key=lambda f: (max(fields[f]), f))]
            visit = fields[field] = [-1, -1, -1, -1]
        return visit

    def thrashed(self, score: float, at: int, m: Model) -> None:
        """The client's thrash score, in [0, 1]."""
        self._fade(at, m)
        self.thrash += min(1.0, max(0.0, score))
        self.thrash_count += 1

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        if self.at < 0:
            return
        errors = self.errors
        forms = self.forms
        thrash = self.thrash
        if errors == 0.0 and forms == 0.0 and thrash == 0.0:
            return
        left = exp(m.friction_rate * (self.at - now)) if now > self.at else 1.0
        most = out.friction
        if errors > 0.0:
            after_clicks = min(1.0, self.click_errors * left / m.errors_click_full)
            out.error_click = after_clicks
            if after_clicks > most:
                most = after_clicks
            rate = ramp(errors * left, m.errors_from, m.errors_full)
            out.high_error_rate = rate
            if rate > most:
                most = rate
        if forms > 0.0:
            struggle = forms * left / m.forms_full
            if struggle > 1.0:
                struggle = 1.0
            out.form_struggle = struggle
            if struggle > most:
                most = struggle
        if thrash > 0.0:
            thrash *= left
            if thrash > 1.0:
                thrash = 1.0
            out.thrashed_cursor = thrash
            if thrash > most:
                most = thrash
        out.friction = most

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
