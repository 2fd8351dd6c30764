"""The figures of an evaluation: ranking, calibration, false alarms, flapping."""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from app.lab.evaluation.auc import Pair, auc, auc_within, interval
from app.lab.evaluation.calibration import Bin, expected_calibration_error, recalibrated, reliability
from app.lab.evaluation.delivered import PRICES, Delivered, LeftOut, delivered, left_out, mood_of
from app.lab.evaluation.labels import READ, is_ordinary, read_score
from app.lab.evaluation.measure import Measured
from app.mood import DEFAULT, Model


class Ranking(msgspec.Struct):
    """How well the mean score ranks sessions by a label. `low`, `high`: 95 % by person. `stopwatch`: what the
    session's length alone gives, read in its better direction; `gain` is the AUC over it."""

    set: str
    label: str
    sessions: int
    people: int
    positives: int
    auc: float | None
    low: float | None
    high: float | None
    within: float | None
    peak: float | None
    final: float | None
    stopwatch: float | None
    stopwatch_within: float | None
    gain: float | None


class Calibration(msgspec.Struct):
    """Expected calibration error, 0 to 1, of four statements about a label.

    `confidence`: that of the readings while the session was read as the mood, weighted by time; `share` of
    the time it was. `chance`: what confidence says of the mood over the whole session, read so or not.
    `score`: the mood's mean score, as it stands. `refitted`: the same through a logistic curve fitted on other
    people. `bins`: the reliability table of `confidence`, `chance_bins` of `chance`.
    """

    set: str
    label: str
    sessions: int
    share: float
    confidence: float | None
    chance: float | None
    score: float | None
    refitted: float | None
    bins: list[Bin]
    chance_bins: list[Bin]


class Ordinary(msgspec.Struct):
    """Sessions that went well or of which nobody was asked. Shares in [0, 1]; changes a minute of any mood."""

    set: str
    sessions: int
    minutes: float
    frustrated: float
    offered: float
    changes_per_minute: float
    changes_per_minute_median: float


class Report(msgspec.Struct):
    """Everything `sessionmood evaluate` knows."""

    sessions: int
    events: int
    without: list[str]
    ranking: list[Ranking]
    calibration: list[Calibration]
    ordinary: list[Ordinary]
    delivered: list[Delivered]
    left_out: list[LeftOut]


def report(
    rows: Sequence[tuple[str, Measured]], without: Sequence[str] = (), model: Model = DEFAULT
) -> Report:
    """`rows`: (name of the set, session), measured with `model`."""
    sets: dict[str, list[Measured]] = {}
    for name, session in rows:
        sets.setdefault(name, []).append(session)
    ranking = []
    calibration = []
    ordinary = []
    told = []
    for name, sessions in sorted(sets.items()):
        for label in sorted({label for session in sessions for label in session.labels} & set(READ)):
            asked = [session for session in sessions if session.labels.get(label) in (0, 1)]
            if asked:
                ranking.append(_ranking(name, label, asked))
                if len(READ[label]) == 1 and READ[label][0][1] > 0:
                    calibration.append(_calibration(name, label, asked))
                if mood_of(label) is not None:
                    told.append(delivered(name, label, asked))
        calm = [session for session in sessions if is_ordinary(session.labels, session.events)]
        if calm:
            ordinary.append(_ordinary(name, calm))
    for label in sorted({row.label for row in calibration}):
        if sum(row.label == label for row in calibration) > 1:
            asked = [session for _, session in rows if session.labels.get(label) in (0, 1)]
            calibration.append(_calibration("all", label, asked))
    thresholds = {mood: model.settings[f"enter.{mood}"] for mood in PRICES}
    return Report(
        sessions=len(rows),
        events=sum(session.events for _, session in rows),
        without=list(without),
        ranking=ranking,
        calibration=calibration,
        ordinary=ordinary,
        delivered=told,
        left_out=left_out(told, thresholds),
    )


def _ranking(name: str, label: str, sessions: Sequence[Measured]) -> Ranking:
    by_person = _people((s.person, (read_score(label, s.replayed.mean), _yes(s, label))) for s in sessions)
    clock = _people((s.person, (float(s.lasted_ms), _yes(s, label))) for s in sessions)
    pairs = [pair for own in by_person for pair in own]
    value = auc(pairs)
    stopwatch = auc([pair for own in clock for pair in own])
    stopwatch_within = auc_within(clock)
    if stopwatch is not None and stopwatch < 0.5:
        stopwatch = 1 - stopwatch
        stopwatch_within = None if stopwatch_within is None else 1 - stopwatch_within
    bounds = interval(by_person)
    return Ranking(
        set=name,
        label=label,
        sessions=len(pairs),
        people=len(by_person),
        positives=sum(yes for _, yes in pairs),
        auc=value,
        low=bounds and bounds[0],
        high=bounds and bounds[1],
        within=auc_within(by_person),
        peak=auc([(read_score(label, s.replayed.peak), _yes(s, label)) for s in sessions]),
        final=auc([(read_score(label, s.replayed.final), _yes(s, label)) for s in sessions]),
        stopwatch=stopwatch,
        stopwatch_within=stopwatch_within,
        gain=None if value is None or stopwatch is None else value - stopwatch,
    )


def _calibration(name: str, label: str, sessions: Sequence[Measured]) -> Calibration:
    mood = READ[label][0][0]
    stated = []
    held = watched = 0
    for session in sessions:
        watched += session.lasted_ms
        if (own := session.held.get(mood)) is not None:
            held += own.for_ms
            stated.append((own.confidence, _yes(session, label), float(own.for_ms)))
    scores = [(s.person, s.replayed.mean[mood], _yes(s, label)) for s in sessions]
    chances = [(s.chance[mood], _yes(s, label), 1.0) for s in sessions]
    return Calibration(
        set=name,
        label=label,
        sessions=len(sessions),
        share=held / watched if watched else 0.0,
        confidence=expected_calibration_error(stated),
        chance=expected_calibration_error(chances),
        score=expected_calibration_error([(score, yes, 1.0) for _, score, yes in scores]),
        refitted=expected_calibration_error(recalibrated(scores)),
        bins=reliability(stated),
        chance_bins=reliability(chances),
    )


def _ordinary(name: str, sessions: Sequence[Measured]) -> Ordinary:
    minutes = sum(session.minutes for session in sessions)
    return Ordinary(
        set=name,
        sessions=len(sessions),
        minutes=minutes,
        frustrated=_share(any(c.mood == "frustrated" for c in s.replayed.changes) for s in sessions),
        offered=_share(bool(s.replayed.offers) for s in sessions),
        changes_per_minute=sum(len(s.replayed.changes) for s in sessions) / minutes,
        changes_per_minute_median=median(len(s.replayed.changes) / s.minutes for s in sessions),
    )


def _yes(session: Measured, label: str) -> int:
    return int(session.labels[label] or 0)


def _people(rows: Iterable[tuple[object, Pair]]) -> list[list[Pair]]:
    by_person: dict[object, list[Pair]] = {}
    for person, pair in rows:
        by_person.setdefault(person, []).append(pair)
    return list(by_person.values())


def _share(flags: Iterable[bool]) -> float:
    held = list(flags)
    return sum(held) / len(held)
