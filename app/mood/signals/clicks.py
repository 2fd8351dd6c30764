"""Clicks and what answered them: rage, dead and unanswered clicks, waits, repeats, good answers."""

from math import exp
from typing import Any, Final

from app.mood import snapshot
from app.mood.decay import faded, kept, ramp
from app.mood.events import MILD, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, UNKNOWN, Event
from app.mood.model.model import Model
from app.mood.natures import RELIABLE, STEPPER
from app.mood.places import Place, Places
from app.mood.recent import RecentClicks, near
from app.mood.strengths import Strengths
from app.mood.waiting import Waiting

_BOTH: Final = REPORTS_RESPONSE | REPORTS_DEAD_CLICK
_RECENT: Final = 12  # answers of a millisecond, and places tried, that are remembered

FIELDS: Final = (
    "active",
    "answered",
    "answered_at",
    "at",
    "burst",
    "burst_at",
    "burst_known",
    "burst_size",
    "burst_span",
    "burst_target",
    "clicks",
    "dead",
    "dead_count",
    "good",
    "good_count",
    "missed",
    "missed_tries",
    "moved_at",
    "named",
    "open",
    "rage",
    "rage_count",
    "silent",
    "slow",
    "slow_count",
    "told",
    "tried",
    "tries",
    "tries_at",
)


class ClickSignals:
    """Whether the page answers says more than how people click: silence counts only for a client that
    promised to report answers. Facts of one millisecond count in whatever order they come."""

    __slots__ = (*FIELDS, "places", "recent", "waiting")

    def __init__(self) -> None:
        self.at: int = -1
        self.clicks: float = 0.0
        self.active: float = 0.0
        self.dead: float = 0.0
        self.missed: float = 0.0  # dead clicks on nothing in particular
        self.dead_count: int = 0
        self.good: float = 0.0
        self.good_count: int = 0
        self.slow: float = 0.0
        self.slow_count: int = 0
        self.open: float = 0.0  # bursts since the last answer
        self.burst: float = 0.0  # bursts before it, at what an answered burst is worth
        self.rage: float = 0.0  # the client's own verdicts
        self.rage_count: int = 0
        self.named: bool = False  # a dead click said on which thing or where
        self.told: bool = False  # by a client that reports both answers and dead clicks
        self.silent: int = 0  # clicks in a row without an answer
        self.tries: float = 0.0  # places among them, at tries_at
        self.missed_tries: float = 0.0  # and those that were nothing in particular
        self.tries_at: int = 0
        self.tried: list[tuple[int, str | None, float | None, float | None]] = []  # those places
        self.answered_at: int = -1
        self.moved_at: int = -1
        self.answered: list[str | None] = []  # the targets that the answers of that millisecond name
        self.burst_at: int = 0
        self.burst_known: bool = False  # its client reports answers
        self.burst_size: int = 0
        self.burst_span: int = 0
        self.burst_target: str | None = None
        self.recent: RecentClicks = RecentClicks()
        self.places: Places = Places()
        self.waiting: Waiting = Waiting()

    def _fade(self, at: int, m: Model) -> None:
        if at > self.at:
            if self.clicks > 0.0 or self.dead > 0.0 or self.missed > 0.0:
                engaged = exp(m.engaged_rate * (self.at - at))
                self.clicks *= engaged
                self.active *= engaged
                if self.dead > 0.0 or self.missed > 0.0:
                    self.dead = faded(self.dead, engaged)
                    self.missed = faded(self.missed, engaged)
            if self.good > 0.0:
                self.good = faded(self.good, exp(m.satisfied_rate * (self.at - at)))
            if self.slow > 0.0 or self.open > 0.0 or self.burst > 0.0 or self.rage > 0.0:
                friction = kept(m.friction_rate, self.at, at)
                self.slow = faded(self.slow, friction)
                self.open = faded(self.open, friction)
                self.burst = faded(self.burst, friction)
                self.rage = faded(self.rage, friction)
            self.at = at

    def click(self, event: Event, patience: float, m: Model) -> None:
        """`patience`: so many clicks in a second are how this thing is used."""
        at = event.at
        self._fade(at, m)
        if event.kind == UNKNOWN:
            return
        self.clicks += 1.0
        reports = (event.reports & REPORTS_RESPONSE) != 0
        answered = self.answered_at == at or self.moved_at == at
        if reports and not answered and not event.reports & REPORTS_DEAD_CLICK:
            self._try(event, m)
        place: Place | None = None
        if event.target is not None:
            place = self.places.of(event.target, at, m)
            place.clicks += 1.0
            if place.burst_at >= 0 and at - place.burst_at <= m.burst_pause_ms:
                place.burst_at = at
            if reports and self.moved_at != at and not self._answered(event.target, at):
                self.waiting.click(event.target, at, m)
        size, span = self.recent.around(event, m)
        needed = m.rage_clicks
        if place is not None and 0 <= place.dead_since < at:
            needed -= 1.0
        if size >= needed and size > patience:
            if reports:
                worth = m.rage_burst
            elif event.target is not None and event.x is not None:
                worth = m.rage_unknown
            else:
                worth = m.rage_blind
            if answered:
                self.burst += worth * m.rage_answered
            else:
                self.open += worth
            self.burst_at = at
            self.burst_known = reports
            self.burst_size = size
            self.burst_span = span
            self.burst_target = event.target
        elif size == 1:
            self.active += 1.0

    def rage_click(self, event: Event, nature: int, m: Model) -> None:
        """The client's verdict. A burst is one, however often it is told while it goes on. One that waited whether
        the page would answer says of its clicks what dead clicks will say again, two seconds later; one that did not
        wait says nothing of a stepper."""
        at = event.at
        self._fade(at, m)
        place = self.places.of(event.target or "", at, m)
        again = event.target is not None and place.burst_at >= 0 and at - place.burst_at <= m.burst_pause_ms
        if not again:
            self.rage_count += 1
        place.burst_at = at
        seen = self.waiting.burst(event, m) if event.reports & REPORTS_RESPONSE else 0
        stepping = (nature & STEPPER) != 0 and not self.waiting.rested(event, m)
        if event.kind in MILD or stepping or self._answered(event.target, at):
            if not again:
                self.rage += m.rage_answered
            return
        if not again:
            self.rage += 1.0
            place.verdicts += 1.0
        place.waited = max(place.waited, float(seen))

    def _answered(self, target: str | None, at: int) -> bool:
        """An answer to `target` came in this very millisecond."""
        return self.answered_at == at and (None in self.answered or target in self.answered)

    def dead_click(self, event: Event, nature: int, m: Model) -> None:
        """The client's verdict on one click. On what answered nearly everybody else it counts for more."""
        self._fade(event.at, m)
        self.dead_count += 1
        self.named = self.named or event.target is not None or event.x is not None
        mild = event.kind in MILD
        judges = (event.reports & _BOTH) == _BOTH
        self.told = self.told or judges
        if judges and self.answered_at != event.at and self.moved_at != event.at:
            self._try(event, m)
        if mild or (event.target is None and event.x is not None):
            self.missed += 1.0
            return
        worth = m.usual_worth if nature & RELIABLE else 1.0
        self.dead += worth
        if event.target is not None:
            place = self.places.of(event.target, event.at, m)
            place.dead += worth
            if place.dead_since < 0:
                place.dead_since = event.at

    def response(self, event: Event, m: Model) -> None:
        at = event.at
        self._fade(at, m)
        if at > self.answered_at:
            self.answered_at = at
            self.answered = []
        if len(self.answered) < _RECENT:
            self.answered.append(event.target)
        self.waiting.answer(event.target)
        if self.rage_count > 0:
            # the page was slow, not dead: what the client called rage was repeat use
            self.rage = self.places.take_back(self.rage, event.target, at, m)
        self._break_silence(m)
        if event.kind == UNKNOWN:
            return
        if event.target is not None:
            self.places.of(event.target, at, m).answers += 1.0
        pain = ramp(event.value if event.value is not None else 0.0, m.wait_fine_ms, m.wait_painful_ms)
        self.good += 1.0 - pain
        self.good_count += 1
        if pain > 0.0:
            self.slow += pain
            self.slow_count += 1

    def moved_on(self, at: int, m: Model) -> None:
        """Another page: an answer too, though how good a one is not known."""
        self._fade(at, m)
        self.moved_at = at
        self.waiting.moved_on(at)
        self.places.moved_on()
        self._break_silence(m)

    def _break_silence(self, m: Model) -> None:
        if self.silent > 0:
            self.silent = 0
            self.tries = 0.0
            self.missed_tries = 0.0
            self.tried = []
        if self.open > 0.0:
            self.burst += self.open * m.rage_answered
            self.open = 0.0

    def _try(self, event: Event, m: Model) -> None:
        """An unanswered click: a new try if it is on another place. Stepping on one control is one try, its
        answer may come for all steps together. Of a client that reports dead clicks only those count: it knows
        which clicks asked for an answer."""
        at = event.at
        self.silent += 1
        tried = self.tried
        for i in range(len(tried)):
            then, target, x, y = tried[i]
            if x is not None and event.x is not None:
                same = near(x, event.x, m.silent_apart) and near(y, event.y, m.silent_apart)
            else:
                same = target == event.target and at - then <= m.silent_again_ms
            if same:
                tried[i] = (at, target, x, y)
                return
        left = kept(m.friction_rate, self.tries_at, at)
        self.tries *= left
        self.missed_tries *= left
        if event.target is not None and event.kind not in MILD:
            self.tries += 1.0
        else:
            self.missed_tries += 1.0
        self.tries_at = at
        tried.append((at, event.target, event.x, event.y))
        if len(tried) > _RECENT:
            del tried[0]

    def hammering(self, now: int, m: Model) -> float:
        """The strength, in [0, 1], of the rapid clicks on one place that were seen to stay unanswered."""
        if self.rage_count == 0:
            return 0.0
        return ramp(self.places.most_waited(m.stuck_from, now, m), m.stuck_from, m.stuck_full)

    def settled_at(self) -> int:
        """The last answer, or the last page that came; -1: none yet."""
        return max(self.answered_at, self.moved_at)

    def unanswered(self, now: int, m: Model) -> int:
        """How many clicks stand behind DEAD_CLICK: those that the client called dead, or is about to."""
        return max(self.dead_count, round(self.places.most_waited(0.0, now, m)))

    def strengths(self, now: int, m: Model, out: Strengths) -> None:
        at = self.at
        if at < 0:
            return
        engaged = exp(m.engaged_rate * (at - now)) if now > at else 1.0
        if self.open > 0.0 or self.burst > 0.0 or self.rage > 0.0:
            friction = kept(m.friction_rate, at, now)
            own = (self.open + self.burst) * friction
            out.rage_click = rage = min(1.0, max(min(m.rage_own, own), self.rage * friction) / m.rage_full)
            if rage > out.friction:
                out.friction = rage
        silent = 0.0
        if self.silent > 0:
            left = kept(m.friction_rate, self.tries_at, now)
            tries = self.tries * left + min(m.missed_tries, self.missed_tries * left)
            silent = ramp(tries, m.silent_from, m.silent_full)
        stuck = 0.0
        if self.dead_count > 0 or self.rage_count > 0:
            dead = max(0.0, self.dead * engaged - self.places.forgiven(now, m))
            missed = self.missed * engaged
            clicks = max(self.clicks * engaged, dead + missed) + m.dead_prior
            stuck = ramp(self.places.most_dead(m.stuck_from, now, m), m.stuck_from, m.stuck_full)
            stuck = max(stuck, self.hammering(now, m))
            if self.told:
                # the silent run is made of the dead clicks: one cause, one sign
                stuck = max(stuck, silent)
                silent = 0.0
            share = (dead + min(m.missed_share * clicks, missed)) / (m.dead_full * clicks)
            stuck = max(stuck, min(1.0, share))
            out.dead_click = stuck
            if stuck > out.friction:
                out.friction = stuck
        if silent > 0.0:
            out.unanswered_clicks = silent
            if silent > out.friction:
                out.friction = silent
        if self.clicks > m.repeats_from:
            most = self.places.most_clicks(m.repeats_from, now, m)
            if most > m.repeats_from:
                out.repeat_use = ramp(most, m.repeats_from, m.repeats_full)
        active = self.active * engaged
        if active > 0.0:
            out.active_clicks = active / (active + m.pace_half)
        if self.good_count > 0:
            if self.slow > 0.0:
                out.slow_response = slow = min(1.0, self.slow * kept(m.friction_rate, at, now) / m.slow_full)
                if slow > out.friction:
                    out.friction = slow
            good = self.good * (exp(m.satisfied_rate * (at - now)) if now > at else 1.0)
            # what went well elsewhere is no comfort while one is stuck
            out.smooth_progress = good / (good + m.good_half) * (1.0 - stuck)

    def state(self) -> list[object]:
        state = snapshot.take(self, FIELDS)
        state[FIELDS.index("tried")] = [list(click) for click in self.tried]
        return [state, self.waiting.state(), self.places.state(), self.recent.state()]

    def restore(self, state: object) -> None:
        if not isinstance(state, list) or len(state) != 4:
            raise ValueError("the snapshot does not fit: its clicks are others")
        snapshot.put(self, FIELDS, state[0])
        self.waiting.restore(state[1])
        self.places.restore(state[2])
        self.recent.restore(state[3])
        tried: Any = self.tried  # lists so far
        self.tried = [(click[0], click[1], click[2], click[3]) for click in tried]
