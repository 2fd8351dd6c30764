"""Personas on a clock of their own: recordings."""

from itertools import takewhile
from random import Random

from app.lab.recordings import RecordedEvent, Recording
from app.lab.simulate.personas import Persona, Step


def record(persona: Persona, id: str, seed: int, seconds: float) -> Recording:
    """What `persona` does in its first `seconds`; `at` counts from the start of the session."""
    events: list[RecordedEvent] = []
    now = 0.0

    def within(step: Step) -> bool:
        nonlocal now
        now += step.pause
        return now <= seconds

    for step in takewhile(within, persona.script(Random(f"{persona.name} {seed}"))):  # noqa: S311 - a play
        events.append(RecordedEvent(at=round(now * 1000), **step.event))  # type: ignore[arg-type]
    return Recording(id=id, events=events, reports=list(persona.reports))
