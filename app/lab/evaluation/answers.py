"""What people said of their sessions, and the stretch of the session they said it of."""

from collections.abc import Iterable, Mapping

import msgspec

from app.lab.evaluation.labels import MOODS, READ
from app.lab.recordings import Recording


class Piece(msgspec.Struct):
    """A stretch of a session and what the person said of it: mood -> 1 or 0."""

    recording: Recording
    person: str
    said: dict[str, int]


def pieces(recordings: Iterable[tuple[str, Recording]]) -> list[Piece]:
    """What can be learned from (name of the set, recording): labelled recordings whole; without labels, the
    stretch up to each `feedback` event ("was that right?") with its answer. The engine never gets to see the
    answers. People of different sets are different people."""
    found = []
    for name, recording in recordings:
        person = f"{name} {recording.id if recording.person is None else recording.person}"
        asked = [(at, event) for at, event in enumerate(recording.events) if event.type == "feedback"]
        if recording.labels:
            if said := _said(recording.labels):
                found.append(Piece(_without_feedback(recording, len(recording.events)), person, said))
            continue
        for at, event in asked:
            if event.name in MOODS and event.value in (0, 1):
                found.append(Piece(_without_feedback(recording, at), person, {event.name: int(event.value)}))
    return [piece for piece in found if piece.recording.events]


def _said(labels: Mapping[str, float | None]) -> dict[str, int]:
    """Answers by mood. A mood's own name goes before another label that means it."""
    said = {}
    for label, answer in sorted(labels.items(), key=lambda item: item[0] in MOODS):
        if label in READ and len(READ[label]) == 1 and answer in (0, 1):
            mood, sign = READ[label][0]
            said[mood] = int(answer) if sign > 0 else 1 - int(answer)
    return said


def _without_feedback(recording: Recording, until: int) -> Recording:
    events = [event for event in recording.events[:until] if event.type != "feedback"]
    return msgspec.structs.replace(recording, events=events, labels={}, person=None)
