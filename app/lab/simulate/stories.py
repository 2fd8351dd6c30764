"""Six short visits by name, one for each mood, to be sent in one go."""

from typing import Final

from app.lab.recordings import RecordedEvent, Recording
from app.lab.simulate.personas import PERSONAS
from app.lab.simulate.record import record
from app.mood import DEFAULT, MOODS, Model, MoodEngine

#: The example of the original API: clicks, errors, and the client's own verdict that they were rage.
ORIGINAL: Final = (
    "page_view", "click", "click", "rage_click", "error", "rage_click", "error", "rage_click",
)  # fmt: skip
_GAP_MS: Final = 3000
_SECONDS: Final = 90.0
_MOST: Final = 200
#: A story ends where the mood is at its surest, but not before it has held so long (ms).
_HOLDS_MS: Final = 3000


def story(mood: str, model: Model = DEFAULT) -> Recording:
    """A visit that ends in this mood; `at` counts from its start. Raises ValueError for another word."""
    if mood not in MOODS:
        raise ValueError(f"there is no story {mood!r}; there are {', '.join(MOODS)}")
    if mood == "frustrated":
        events = [RecordedEvent(type, at=n * _GAP_MS) for n, type in enumerate(ORIGINAL)]
        return Recording(id=mood, events=events)
    persona = next(persona for persona in PERSONAS if persona.mood == mood)
    visit = record(persona, mood, 1, _SECONDS)
    engine = MoodEngine("story", 0, model)
    best, surest = 0, -1.0
    facts = visit.facts()[:_MOST]
    for count, fact in enumerate(facts, start=1):
        engine.receive(fact)
        reading = engine.reading(engine.last_at)
        held = reading.as_of - reading.since >= _HOLDS_MS
        if reading.mood == mood and held and reading.confidence > surest:
            best, surest = count, reading.confidence
    visit.events = visit.events[: best or len(facts)]
    return visit
