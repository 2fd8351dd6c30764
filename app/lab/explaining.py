"""Why a session was read as it was: second by second for who checks, in a few sentences for who helps."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from app.lab.recordings import Recording
from app.lab.replay import replay
from app.mood import Model, MoodEngine, Offer, Reading
from app.mood.events import Event

#: Reasons in a sentence: more are not read.
_REASONS: Final = 3
#: A reason that brought less than this on average (points) is none.
_WORTH: Final = 0.1
#: Below this mean confidence a sentence says "seemed".
_SURE: Final = 0.5
#: Help that comes this long (ms) after the last event still belongs to the visit: a visit is over then.
_LINGERS_MS: Final = 30 * 60_000
#: What every session has is no reason.
_NO_REASON: Final = "arrived"


class Share(msgspec.Struct):
    """Points that a signal gave to (or took from) the mood."""

    signal: str
    points: float
    text: str


class Second(msgspec.Struct):
    """A second in which something happened or changed. `at`: s from the start. `shares` sum to the raw score
    of `mood` at its end, the largest first."""

    at: int
    mood: str
    confidence: float
    happened: str
    shares: list[Share]


class Span(msgspec.Struct):
    """A stretch of one mood. `start`, `end`: s from the start of the session; `confidence` is its mean."""

    mood: str
    start: float
    end: float
    confidence: float
    sentence: str


class Explanation(msgspec.Struct):
    """One session, explained. `offers`: when help was due, s from the start; also when that was after the last event."""

    id: str
    events: int
    lasted: float
    spans: list[Span]
    seconds: list[Second]
    offers: list[float]


class _Moment(msgspec.Struct):
    at: int
    for_ms: int
    reading: Reading


def explain(recording: Recording, model: Model, now: int | None = None) -> Explanation:
    """`now`: ms, where the session may still go on: what is due later is not told.
    Raises ValueError for a session without an event that the engine knows."""
    moments: list[_Moment] = []
    stood: MoodEngine | None = None

    def watch(engine: MoodEngine, at: int, for_ms: int) -> None:
        nonlocal stood
        stood = engine
        if engine.decision.mood >= 0:
            moments.append(_Moment(at, for_ms, engine.reading(at)))

    result = replay(recording, model, watch)
    facts = recording.facts()
    if stood is None or not moments:
        raise ValueError(f"{recording.id}: nothing in it that a mood could be read from")
    begins = recording.begins() if recording.started_at is not None else facts[0].at
    # who got stuck and waits is offered help without another event
    end = moments[-1].at + _LINGERS_MS
    waited = [
        item.at for item in stood.advance(end if now is None else min(end, now)) if isinstance(item, Offer)
    ]
    offers = [(at - begins) / 1000 for at in (*(offer.at for offer in result.offers), *waited)]
    return Explanation(
        id=recording.id,
        events=len(facts),
        lasted=(moments[-1].at - begins) / 1000,
        spans=_spans(moments, begins, offers),
        seconds=_seconds(moments, facts, begins),
        offers=offers,
    )


def clock(seconds: float) -> str:
    """75 -> "01:15", 3675 -> "1:01:15"."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes:02}:{whole % 60:02}"


def _spans(moments: Sequence[_Moment], begins: int, offers: Sequence[float]) -> list[Span]:
    groups: list[list[_Moment]] = []
    for moment in moments:
        if groups and groups[-1][0].reading.mood == moment.reading.mood:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    spans = []
    for at, group in enumerate(groups):
        start = (group[0].at - begins) / 1000
        end = ((groups[at + 1][0].at if at + 1 < len(groups) else group[-1].at) - begins) / 1000
        weight = sum(moment.for_ms for moment in group)
        confidence = (
            sum(moment.reading.confidence * moment.for_ms for moment in group) / weight
            if weight
            else group[-1].reading.confidence
        )
        last = at + 1 == len(groups)
        mine = [offer for offer in offers if start <= offer and (offer < end or last)]
        sentence = _sentence(group, start, end, confidence, mine)
        spans.append(Span(group[0].reading.mood, start, end, round(confidence, 4), sentence))
    return spans


def _sentence(
    group: Sequence[_Moment], start: float, end: float, confidence: float, offers: Sequence[float]
) -> str:
    reasons = _reasons(group)
    verb = "was" if confidence >= _SURE else "seemed"
    when = f"From {clock(start)} to {clock(end)}" if clock(start) != clock(end) else f"At {clock(start)}"
    text = f"{when} the visitor {verb} {group[0].reading.label}"
    text += f": {'; '.join(reasons)}." if reasons else ", without much to go by."
    if offers:
        text += f" Help was due at {' and '.join(clock(offer) for offer in offers)}."
    return text


def _reasons(group: Sequence[_Moment]) -> list[str]:
    """The texts of the strongest signals, each as it read at its strongest moment."""
    weight = sum(moment.for_ms for moment in group)
    area: Counter[str] = Counter()
    best: dict[str, tuple[float, str]] = {}
    for moment in group:
        # a stretch of a single instant has no time to weigh by
        share = moment.for_ms / weight if weight else 1 / len(group)
        for part in moment.reading.because:
            if part.points > 0 and part.signal != _NO_REASON:
                area[part.signal] += part.points * share  # type: ignore[assignment]
                if part.points >= best.get(part.signal, (0.0, ""))[0]:
                    best[part.signal] = (part.points, part.text)
    return [best[signal][1] for signal, points in area.most_common(_REASONS) if points >= _WORTH]


def _seconds(moments: Sequence[_Moment], facts: Sequence[Event], begins: int) -> list[Second]:
    happened: dict[int, list[Event]] = {}
    for fact in facts:
        happened.setdefault((fact.at - begins) // 1000, []).append(fact)
    last: dict[int, Reading] = {}
    for moment in moments:
        last[(moment.at - begins) // 1000] = moment.reading
    seconds = []
    mood = None
    for at, reading in sorted(last.items()):
        if at in happened or reading.mood != mood:
            mood = reading.mood
            shares = [Share(part.signal, round(part.points, 3), part.text) for part in reading.because]
            seconds.append(
                Second(at, mood, round(reading.confidence, 4), _told(happened.get(at, ())), shares)
            )
    return seconds


def _told(facts: Sequence[Event]) -> str:
    """`3 click #pay, error`: what happened, in order of appearance."""
    counts: Counter[str] = Counter()
    for fact in facts:
        what = fact.target if fact.target is not None else fact.url
        counts[" ".join(part for part in (fact.type, fact.kind, what) if part)] += 1
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())
