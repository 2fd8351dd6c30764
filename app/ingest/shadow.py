"""Shadow mode: a candidate model beside the live one, on the same events, and where the two differ.

The candidate only watches: what visitors get is the live model's, and a candidate that fails stops watching that
session and nothing else.
"""

from typing import Final

import msgspec

from app.mood import MOODS, Event, Model, MoodEngine

_FRUSTRATED: Final = MOODS.index("frustrated")
_NOTHING: Final = -1


class Side(msgspec.Struct):
    """What one model made of the sessions. `frustrated`: sessions that it read so at some time."""

    changes: int = 0
    frustrated: int = 0
    offers: int = 0


class Pair(msgspec.Struct):
    """The live model read one mood, the candidate another: how often that began, and for how long."""

    times: int = 0
    ms: int = 0


class Tally(msgspec.Struct):
    """What was seen. `skipped`: sessions that had begun before the candidate could watch. `differed`: sessions in
    which the moods were not always the same; `differed_ms` of `watched_ms`. `pairs`: "live > candidate"."""

    sessions: int = 0
    skipped: int = 0
    failed: int = 0
    events: int = 0
    differed: int = 0
    watched_ms: int = 0
    differed_ms: int = 0
    live: Side = msgspec.field(default_factory=Side)
    candidate: Side = msgspec.field(default_factory=Side)
    pairs: dict[str, Pair] = msgspec.field(default_factory=dict)

    @property
    def agreement(self) -> float | None:
        """Share of the time with the same mood; None before any time has passed."""
        return 1 - self.differed_ms / self.watched_ms if self.watched_ms else None

    def add(self, other: "Tally") -> None:
        """Count `other`'s sessions too."""
        for name in ("sessions", "skipped", "failed", "events", "differed", "watched_ms", "differed_ms"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, its in ((self.live, other.live), (self.candidate, other.candidate)):
            mine.changes += its.changes
            mine.frustrated += its.frustrated
            mine.offers += its.offers
        for name, pair in other.pairs.items():
            own = self.pairs.setdefault(name, Pair())
            own.times += pair.times
            own.ms += pair.ms


class Shadow:
    """The candidate for all sessions of a server; what it found since the start, by project."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.tallies: dict[str, Tally] = {}

    def observe(self, project: str, session: str) -> "Beside":
        """Someone to watch a session from its first event on."""
        return Beside(session, self.model, self.tallies.setdefault(project, Tally()))


class Beside:
    """The candidate's engine for one session."""

    __slots__ = ("_at", "_candidate", "_differed", "_live", "_model", "_session", "_tally", "_was")

    def __init__(self, session: str, model: Model, tally: Tally) -> None:
        self._session = session
        self._model: Model | None = model
        self._tally = tally
        self._candidate: MoodEngine | None = None
        self._at = 0
        self._live = _Side(tally.live)
        self._was = _Side(tally.candidate)
        self._differed = False

    def receive(self, event: Event, engine: MoodEngine) -> None:
        """The live engine has just taken `event`."""
        if self._candidate is None and not self._begin(event, engine):
            return
        self._guarded(event.at, engine, event)

    def advance(self, now: int, engine: MoodEngine) -> None:
        """Time has passed up to `now`."""
        if self._candidate is not None:
            self._guarded(now, engine, None)

    def _begin(self, event: Event, engine: MoodEngine) -> bool:
        model, self._model = self._model, None
        if model is None:
            return False
        if engine.event_count > 1:
            # it came back from disk: the candidate has not seen what the live engine knows
            self._tally.skipped += 1
            return False
        self._candidate = MoodEngine(self._session, engine.started_at, model)
        self._at = event.at
        self._tally.sessions += 1
        return True

    def _guarded(self, at: int, engine: MoodEngine, event: Event | None) -> None:
        candidate = self._candidate
        assert candidate is not None
        try:
            self._pass_time(at)
            if event is None:
                candidate.advance(at)
            else:
                self._tally.events += 1
                candidate.receive(event)
        except Exception:
            self._candidate = None
            self._tally.failed += 1
            return
        self._compare(engine, candidate)

    def _pass_time(self, at: int) -> None:
        tally, for_ms = self._tally, at - self._at
        if for_ms > 0 and self._live.mood != _NOTHING:
            tally.watched_ms += for_ms
            if self._live.mood != self._was.mood:
                tally.differed_ms += for_ms
                self._pair().ms += for_ms
        self._at = max(self._at, at)

    def _compare(self, engine: MoodEngine, candidate: MoodEngine) -> None:
        changed = self._live.note(engine)
        changed = self._was.note(candidate) or changed
        if changed and self._live.mood != self._was.mood:
            self._pair().times += 1
            if not self._differed:
                self._differed = True
                self._tally.differed += 1

    def _pair(self) -> Pair:
        return self._tally.pairs.setdefault(f"{_name(self._live.mood)} > {_name(self._was.mood)}", Pair())


class _Side:
    """One engine's mood and offers as last seen."""

    __slots__ = ("alarmed", "mood", "offers", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.mood = _NOTHING
        self.offers = 0
        self.alarmed = False

    def note(self, engine: MoodEngine) -> bool:
        """Take over what `engine` says; whether its mood is another."""
        if engine.help.offers > self.offers:
            self.side.offers += engine.help.offers - self.offers
            self.offers = engine.help.offers
        mood = engine.decision.mood
        if mood == self.mood:
            return False
        if self.mood != _NOTHING:
            self.side.changes += 1
        self.mood = mood
        if mood == _FRUSTRATED and not self.alarmed:
            self.alarmed = True
            self.side.frustrated += 1
        return True


def _name(mood: int) -> str:
    return MOODS[mood] if mood != _NOTHING else "nothing"
