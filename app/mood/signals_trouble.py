"""What goes wrong: errors, errors right after a click, forms that refuse, a shaken pointer."""

from typing import Final

from app.mood import snapshot
from app.mood.decay import kept, ramp
from app.mood.events import Event
from app.mood.model import Model
from app.mood.signals import ERROR_CLICK, FORM_STRUGGLE, HIGH_ERROR_RATE, THRASHED_CURSOR

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

_FIELDS_KEPT = 16  # form fields that are remembered at a time


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
        self.fields: dict[str, int] = {}  # form field -> when it was left last, ms

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            left = kept(m.friction_rate, self.at, at)
            self.errors *= left
            self.click_errors *= left
            self.forms *= left
            self.thrash *= left
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
            self.forms += 1.0
            self.forms_count += 1

    def _share(self, click_at: int, at: int, m: Model) -> float:
        if click_at < 0:
            return 0.0
        if at - click_at <= m.errors_window_ms:
            return 1.0
        return 0.5 if at - click_at <= m.errors_soft_window_ms else 0.0

    def returned(self, field: str, m: Model, at: int) -> None:
        """A field got the focus: a return, if it was left before."""
        left_at = self.fields.get(field)
        if left_at is not None and left_at < at:
            self._fade(at, m)
            self.forms += 1.0
            self.forms_count += 1

    def left(self, field: str, at: int) -> None:
        if field not in self.fields:
            if len(self.fields) >= _FIELDS_KEPT:
                fields = self.fields
                del fields[min(fields, key=lambda f: (fields[f], f))]
            self.fields[field] = at

    def thrashed(self, score: float, at: int, m: Model) -> None:
        """The client's thrash score, in [0, 1]."""
        self._fade(at, m)
        self.thrash += min(1.0, max(0.0, score))
        self.thrash_count += 1

    def strengths(self, now: int, m: Model, out: list[float]) -> None:
        if self.at < 0:
            return
        left = kept(m.friction_rate, self.at, now)
        out[ERROR_CLICK] = min(1.0, self.click_errors * left / m.errors_click_full)
        out[HIGH_ERROR_RATE] = ramp(self.errors * left, m.errors_from, m.errors_full)
        out[FORM_STRUGGLE] = min(1.0, self.forms * left / m.forms_full)
        out[THRASHED_CURSOR] = min(1.0, self.thrash * left)

    def state(self) -> list[object]:
        return snapshot.take(self, FIELDS)

    def restore(self, state: object) -> None:
        snapshot.put(self, FIELDS, state)
