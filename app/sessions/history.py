"""What a visit leaves behind: its mood while the visitor was there, its worst mood and why, the help it was offered.

Folded from the same events as the mood. What only time does after the last event does not count, since nobody knows
whether the visitor was still there. Two things do: trouble, since that a click was never answered shows only later, and
boredom of a visitor who is known to be there. A mood that fades never counts.
"""

from typing import Final

from app.mood import MOODS, Change, Event, Evidence, MoodEngine, Offer

NONE: Final = -1
#: From the best mood to the worst, in the order of MOODS: frustrated, engaged, bored, confused, curious, satisfied.
_SEVERITY: Final = [5, 2, 3, 4, 1, 0]
#: From here on a mood is trouble: it counts whenever it shows.
_TROUBLE: Final = 4
_BORED: Final = 3
#: The evidence of a mood that gets worse is taken again when its confidence has grown by this much: it bounds the
#: work to 100 readings a mood, and the worst confidence told is at most this far off.
_STEP: Final = 0.01

#: What came of help, from nothing to the most that can come of it. `unreported`: it was due, and no `help` event of
#: it came; `held_out`: it was due, and this session is one of those that are shown none, to compare with.
OUTCOMES: Final = ("none", "held_out", "unreported", "expired", "shown", "snoozed", "dismissed", "accepted")
_HELD_OUT: Final = 1
_UNREPORTED: Final = 2
#: Offers that are remembered one by one; the oldest goes first.
MAX_OFFERS: Final = 20

# `traits`: one number by which lists are filtered: the mood (3 bits), the moods it ever had (6), the outcome (3).
_NO_MOOD: Final = 7
_MOODS_AT: Final = 3
_OUTCOME_AT: Final = 9


class Worst:
    """The worst mood of a visit at its surest, with what spoke for it. `at`: ms."""

    __slots__ = ("at", "because", "confidence", "event_count", "mood", "page", "signals")

    def __init__(
        self,
        mood: str,
        confidence: float,
        at: int,
        event_count: int,
        page: str | None,
        signals: list[str],
        because: list[Evidence],
    ) -> None:
        self.mood: str = mood
        self.confidence: float = confidence
        self.at: int = at
        self.event_count: int = event_count
        self.page: str | None = page
        self.signals: list[str] = signals
        self.because: list[Evidence] = because


class Offered:
    """Help that was due at `at` (ms), and the last that was heard of it, at `outcome_at`."""

    __slots__ = ("at", "id", "outcome", "outcome_at")

    def __init__(self, id: str, at: int, outcome: int, outcome_at: int) -> None:
        self.id: str = id
        self.at: int = at
        self.outcome: int = outcome
        self.outcome_at: int = outcome_at


class History:
    """`mood`: an index of MOODS, the mood as of `at` (ms), when the visitor was last seen, and its `confidence`;
    `moods`: a bit for each that the visitor was ever in. `version` grows whenever `worst` or `offers` change."""

    __slots__ = (
        "at",
        "confidence",
        "mood",
        "moods",
        "offers",
        "outcome",
        "version",
        "worst",
        "worst_severity",
    )

    def __init__(self) -> None:
        self.mood: int = NONE
        self.at: int = 0
        self.confidence: float = 0.0
        self.moods: int = 0
        self.worst: Worst | None = None
        self.worst_severity: int = -1
        self.offers: list[Offered] = []
        self.outcome: int = 0
        self.version: int = 0

    def traits(self) -> int:
        """By what lists are filtered, as one number."""
        mood = _NO_MOOD if self.mood == NONE else self.mood
        return mood | self.moods << _MOODS_AT | self.outcome << _OUTCOME_AT

    def saw(self, engine: MoodEngine, at: int, page: str | None) -> None:
        """The visitor did something at `at` (ms), which `engine` has taken."""
        mood = engine.decision.mood
        if mood == NONE:
            return
        self.mood = mood
        self.at = at
        self.stood(engine, page)

    def settle(self, engine: MoodEngine) -> None:
        """Note how sure `engine` is, which has taken events that were seen: once for all that came together."""
        if self.mood != NONE:
            self.confidence = engine.confidence()

    def stood(self, engine: MoodEngine, page: str | None) -> None:
        """The mood of `engine` is, or was until now, the visitor's: is it the worst so far?"""
        mood = engine.decision.mood
        if mood == NONE:
            return
        self.moods |= 1 << mood
        severity = _SEVERITY[mood]
        if severity < self.worst_severity:
            return
        worst = self.worst
        if (
            worst is not None
            and severity == self.worst_severity
            and (severity < _BORED or engine.confidence() < worst.confidence + _STEP)
        ):
            return
        reading = engine.reading(engine.last_at)
        self._note_worst(
            Worst(
                reading.mood,
                reading.confidence,
                reading.as_of,
                reading.event_count,
                page,
                reading.signals,
                reading.because,
            ),
            severity,
        )

    def turned(self, change: Change, page: str | None, *, here: bool) -> None:
        """Time alone changed the mood. `here`: the visitor is known to have the page in front."""
        mood = MOODS.index(change.mood)
        severity = _SEVERITY[mood]
        if severity < (_BORED if here else _TROUBLE):
            return
        self.moods |= 1 << mood
        if self.mood == NONE or severity > _SEVERITY[self.mood]:
            self.mood = mood
            self.at = change.at
            self.confidence = change.confidence
        if severity > self.worst_severity:
            self._note_worst(
                Worst(
                    change.mood,
                    change.confidence,
                    change.at,
                    change.event_count,
                    page,
                    change.signals,
                    change.because,
                ),
                severity,
            )

    def _note_worst(self, worst: Worst, severity: int) -> None:
        self.worst = worst
        self.worst_severity = severity
        self.version += 1

    def offered(self, offer: Offer) -> None:
        """Help is due; told again where the log is folded again, it is the same help."""
        if any(known.id == offer.id and known.at == offer.at for known in self.offers):
            return
        outcome = _HELD_OUT if offer.holdout else _UNREPORTED
        self._add(Offered(offer.id, offer.at, outcome, offer.at))

    def heard(self, event: Event) -> None:
        """A `help` event says what became of an offer, the last one where it names none."""
        kind = event.kind
        if kind is None or kind not in OUTCOMES:
            return
        outcome = OUTCOMES.index(kind)
        if outcome <= _UNREPORTED:
            return
        for known in reversed(self.offers):
            if event.name is None or known.id == event.name:
                if outcome > known.outcome:
                    known.outcome = outcome
                    known.outcome_at = event.at
                    self.outcome = max(self.outcome, outcome)
                    self.version += 1
                return
        self._add(Offered(event.name or "", event.at, outcome, event.at))  # help that the page gave by itself

    def _add(self, offered: Offered) -> None:
        self.offers.append(offered)
        if len(self.offers) > MAX_OFFERS:
            del self.offers[0]
        self.outcome = max(self.outcome, offered.outcome)
        self.version += 1

    def restore(
        self, at: int, confidence: float, traits: int, worst: Worst | None, offers: list[Offered]
    ) -> None:
        """Take up where a kept session left off."""
        mood = traits & 7
        self.mood = NONE if mood >= len(MOODS) else mood
        self.at = at
        self.confidence = confidence
        self.moods = traits >> _MOODS_AT & 63
        self.outcome = traits >> _OUTCOME_AT & 7
        self.worst = worst
        if worst is not None:
            self.worst_severity = _SEVERITY[MOODS.index(worst.mood)]
        self.offers = offers


def moods_of(traits: int) -> list[str]:
    """The moods that a session ever had, in the order of MOODS."""
    return [mood for i, mood in enumerate(MOODS) if traits >> _MOODS_AT & 1 << i]


def outcome_of(traits: int) -> str | None:
    """What came of help, None where none was due."""
    outcome = traits >> _OUTCOME_AT & 7
    return OUTCOMES[outcome] if outcome else None


def wanted_traits(
    mood: str | None, was: str | None, offered: frozenset[str] | None
) -> tuple[int, list[int]] | None:
    """Which `traits` a list is of: a mask, and what must stand under it. None: any. `offered`: some of OUTCOMES."""
    mask = 0
    values = [0]
    if mood is not None:
        mask |= 7
        values = [MOODS.index(mood)]
    if was is not None:
        bit = 1 << _MOODS_AT + MOODS.index(was)
        mask |= bit
        values = [value | bit for value in values]
    if offered is not None:
        mask |= 7 << _OUTCOME_AT
        values = [value | OUTCOMES.index(name) << _OUTCOME_AT for value in values for name in sorted(offered)]
    return (mask, values) if mask else None
