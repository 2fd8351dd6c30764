"""The mood of one session, from its events and the time."""

from math import exp
from typing import Final

from app.mood import grid, snapshot
from app.mood.behaviour import Behaviour
from app.mood.decay import kept
from app.mood.decision import NONE, Decision
from app.mood.events import HELP, NO_CODE, Event
from app.mood.evidence import because, named
from app.mood.help import HelpPolicy
from app.mood.model.model import DEFAULT, Model
from app.mood.reading import FRUSTRATED, MOODS, Change, Offer, Reading
from app.mood.scoring import chance_of, independent_friction, most_frustrated, score, softmax
from app.mood.strengths import Points, Strengths

_VERSION: Final = 7
_STEP_MS: Final = grid.STEP_MS

FIELDS: Final = (
    "anchor",
    "base_scar",
    "event_count",
    "last_at",
    "scar",
    "scar_at",
    "started_at",
)


class MoodEngine:
    """Folds the events of one session and says how its visitor feels.

    Time is an argument: `at`, `now`, `started_at` in ms on one clock. The mood is decided at each event and
    at the moments of `grid`; how often anybody asks changes nothing. Needs O(1) time and memory per event.

    `event_count`: all events received, unknown ones too. `last_at`: the moment the engine stands at, the last
    event or the last moment of the grid that was walked. `anchor`: the last event; nothing can happen before it
    any more. An event that comes late, between the two, undoes what time alone had changed. `strong`: the strengths
    as of `last_at`, `scored`: the raw scores that they give."""

    __slots__ = (*FIELDS, "before", "behaviour", "decision", "help", "model", "scored", "strong")

    def __init__(self, session: str, started_at: int, model: Model = DEFAULT) -> None:
        self.model: Model = model
        self.started_at: int = started_at
        self.event_count: int = 0
        self.last_at: int = started_at
        self.anchor: int = started_at  # the last event of a known type: the grid counts from it
        self.behaviour: Behaviour = Behaviour(started_at)
        self.decision: Decision = Decision()
        self.help: HelpPolicy = HelpPolicy(session, started_at, model)
        self.scored: Points = Points()
        self.strong: Strengths = Strengths()
        self.before: list[object] = []  # decision and help as of `anchor`, while the engine stands past it
        self.scar: float = 0.0  # the worst friction so far, faded, at scar_at
        self.base_scar: float = 0.0  # the same before the millisecond scar_at
        self.scar_at: int = started_at

    def receive(self, event: Event) -> list[Change | Offer]:
        """Take one event and say what became of it. An event from before the last one counts as of that one:
        its `at` is set so."""
        happened: list[Change | Offer] = []
        self.take(event, happened)
        return happened

    def take(self, event: Event, happened: list[Change | Offer]) -> None:
        """As `receive`; what became of it is added to `happened`."""
        at = event.at
        if at < self.anchor:
            event.at = at = self.anchor
        code = event.code
        if code == NO_CODE and self.event_count > 0:
            self._pass(at, happened)
            self.event_count += 1
            return
        if at < self.last_at:
            self._take_late(event, happened)
            return
        if at >= self.anchor + _STEP_MS:
            self._pass(at, happened)
        self.event_count += 1
        self.last_at = at
        self.anchor = at
        if self.before:
            self.before = []
        if code == HELP:
            self.help.heard(event, self.model)
        else:  # of an unknown type too: a first event gives a reading, whatever it is
            self.behaviour.fold(code, event, self.model)
        self._decide(at, True, happened)

    def _take_late(self, event: Event, happened: list[Change | Offer]) -> None:
        """An event from before the moment the engine stands at. What there is to say: offers, and the mood that holds
        now if it is another than the one told at that moment, as learned then."""
        stood, told = self.last_at, self.decision.mood
        self._go_back()
        happened += [item for item in self.receive(event) if isinstance(item, Offer)]
        if self.decision.mood != told:
            happened.append(self._change(stood, self.decision.mood))

    def _go_back(self) -> None:
        """Stand at the last event again, as if no time had passed since."""
        if self.before:
            self.decision.restore(self.before[0])
            self.help.restore(self.before[1])
        self.before = []
        self.last_at = self.anchor

    def advance(self, now: int) -> list[Change | Offer]:
        """Let time pass up to `now`, which changes moods at the moments of the grid only."""
        happened: list[Change | Offer] = []
        self._pass(now, happened)
        return happened

    def _pass(self, now: int, happened: list[Change | Offer]) -> None:
        while True:
            moment = self._next()
            if moment < 0 or moment > now:
                return
            if not self.before:
                self.before = [self.decision.state(), self.help.state()]
            self.last_at = moment
            self._decide(moment, False, happened)

    def due_at(self) -> int | None:
        """The next moment at which time alone may change the mood or bring an offer; None when it can't."""
        moment = self._next()
        return moment if moment >= 0 else None

    def _next(self) -> int:
        if self.decision.mood == NONE:
            return -1
        return grid.next_after(self.started_at, self.anchor, self.last_at)

    def strengths(self) -> list[float]:
        """The strength of each signal as of `last_at`, in [0, 1], in the order of `signals.NAMES`."""
        return self._strengths().listed()

    def _strengths(self) -> Strengths:
        strengths = Strengths()
        self.behaviour.strengths(self.last_at, self.model, strengths)
        if self.scar > 0.0:
            self._recover(strengths, self.last_at)
        return strengths

    def _recover(self, strengths: Strengths, now: int) -> None:
        """Add the signal of friction that was there before and is gone, while things go well."""
        relief = self.scar * kept(self.model.bored_rate, self.scar_at, now) - strengths.friction
        if relief > 0.0:
            strengths.recovered = relief * strengths.smooth_progress

    @property
    def points(self) -> list[float]:
        """The raw score of each mood as of `last_at`, in the order of MOODS; empty before the first event."""
        return [] if self.decision.mood == NONE else self.scored.listed()

    @property
    def scores(self) -> list[float]:
        """The scores as of `last_at`, in (0, 1), sum 1, in the order of MOODS; empty before the first event."""
        points = self.points
        return softmax(points, self.model.temperature) if points else []

    def raw_scores(self) -> list[float]:
        """The points of each mood as of `last_at`, in the order of MOODS, taken anew."""
        points = Points()
        self._score(self._strengths(), self.last_at, points)
        return points.listed()

    def chances(self) -> list[float]:
        """What confidence would say of each mood as of `last_at`; empty before the first event."""
        return [self._chance(mood) for mood in range(len(self.points))]

    def _chance(self, mood: int) -> float:
        m = self.model
        most = m.curves[mood].most
        if mood == FRUSTRATED:
            most = most_frustrated(self.strong, self.behaviour.clicks.named, m)
        return chance_of(mood, self.scored.of(mood), most, m)

    def _stand(self) -> None:
        """Take the scores of `last_at`."""
        self.strong = self._strengths()
        self._score(self.strong, self.last_at, self.scored)

    def _score(self, strengths: Strengths, now: int, out: Points) -> None:
        score(strengths, self.model, out)
        feedback = self.behaviour.feedback
        if feedback.said:
            out.add([feedback.points(mood, now, self.model) for mood in range(len(MOODS))])

    def _decide(self, now: int, by_event: bool, happened: list[Change | Offer]) -> None:
        m = self.model
        behaviour = self.behaviour
        strengths = self.strong
        behaviour.strengths(now, m, strengths)
        if by_event:
            if strengths.friction >= m.trouble_from:
                self._remember(now, strengths.friction)
            elif self.scar > 0.0:
                self._remember(now, 0.0)
        if self.scar > 0.0 and strengths.smooth_progress > 0.0:
            self._recover(strengths, now)
        points = self.scored
        if behaviour.feedback.said:
            self._score(strengths, now, points)
        else:
            score(strengths, m, points)
        decision = self.decision
        if decision.decide(now, points, m):
            change = self._change(now, decision.mood)
            if not by_event:
                change.because = because(strengths, decision.mood, now, behaviour, m)
            happened.append(change)
        if decision.mood == FRUSTRATED:
            signs = independent_friction(strengths, behaviour.clicks.hammering(now, m))
            offer = self.help.due(now, decision.since, signs, m)
            if offer is not None:
                happened.append(offer)

    def _change(self, at: int, mood: int) -> Change:
        m = self.model
        before = self.decision.previous
        previous = MOODS[before] if before != NONE else None
        signals = named(self.strong, mood, m)
        return Change(
            at, MOODS[mood], previous, self._chance(mood), m.actions[mood], signals, self.event_count
        )

    def _remember(self, now: int, friction: float) -> None:
        """Keep the worst trouble. Within one millisecond it counts as it is after the last event."""
        if now > self.scar_at:
            self.base_scar = self.scar * exp(self.model.bored_rate * (self.scar_at - now))
            self.scar_at = now
        self.scar = friction if friction > self.base_scar else self.base_scar

    def reading(self, now: int) -> Reading:
        """How the session stands at `now`, to which the caller has advanced. Alters nothing.
        Raises ValueError before the first event."""
        decision = self.decision
        mood = decision.mood
        if mood == NONE:
            raise ValueError("nothing is known of this session yet")
        m = self.model
        as_of = self.last_at
        scores = self.scores
        return Reading(
            MOODS[mood],
            self._chance(mood),
            m.actions[mood],
            named(self.strong, mood, m),
            self.event_count,
            {name: scores[i] for i, name in enumerate(MOODS)},
            because(self.strong, mood, as_of, self.behaviour, m),
            decision.since,
            as_of,
            MOODS[decision.previous] if decision.previous != NONE else None,
            m.labels[mood],
        )

    def confidence(self) -> float:
        """Of the mood as of `last_at`; 0 before the first event."""
        mood = self.decision.mood
        return 0.0 if mood == NONE else self._chance(mood)

    def as_of(self, at: int) -> Reading:
        """The reading as it was at `at`, a moment from the last event on: what time has done since is left out.
        Alters nothing. Raises ValueError before the first event."""
        past = MoodEngine.restore(self.state(), self.model)
        past._go_back()
        if past.decision.mood != NONE:
            past._stand()
        past.advance(at)
        return past.reading(at)

    def state(self) -> list[object]:
        """Everything but the model, as numbers, strings, None, lists and dicts."""
        b = self.behaviour
        return [
            _VERSION,
            snapshot.take(self, FIELDS),
            b.clicks.state(),
            b.trouble.state(),
            b.pages.state(),
            b.reading.state(),
            b.doing.state(),
            b.feedback.state(),
            self.decision.state(),
            self.help.state(),
            self.before,
            b.natures.state(),
        ]

    @staticmethod
    def restore(state: list[object], model: Model = DEFAULT) -> "MoodEngine":
        """The engine that `state` was taken from: it goes on bit for bit. Raises OutdatedSnapshot when the state is
        of another version, ValueError when it is damaged."""
        if not state or state[0] != _VERSION:
            raise snapshot.OutdatedSnapshot(f"a snapshot of version {_VERSION} is needed, not {state[:1]}")
        if len(state) != 12:
            raise ValueError(f"the snapshot does not fit: it has {len(state)} parts")
        engine = MoodEngine("", 0, model)
        b = engine.behaviour
        snapshot.put(engine, FIELDS, state[1])
        b.clicks.restore(state[2])
        b.trouble.restore(state[3])
        b.pages.restore(state[4])
        b.reading.restore(state[5])
        b.doing.restore(state[6])
        b.feedback.restore(state[7])
        engine.decision.restore(state[8])
        engine.help.restore(state[9])
        b.natures.restore(state[11])
        before = state[10]
        if not isinstance(before, list) or len(before) not in (0, 2):
            raise ValueError("the snapshot does not fit: what was before is missing")
        engine.before = list(before)
        if engine.decision.mood != NONE:
            engine._stand()
        return engine
