"""A candidate model beside the live one on recordings."""

from app.ingest.shadow import Beside, Tally
from app.lab.recordings import Recording
from app.mood import Model, MoodEngine


def compare(recording: Recording, model: Model, candidate: Model) -> Tally:
    """The same for one recording."""
    tally = Tally()
    facts = recording.facts()
    if facts:
        begins = facts[0].at if recording.started_at is None else recording.begins()
        engine = MoodEngine(recording.id, begins, model)
        beside = Beside(recording.id, candidate, tally)
        for fact in facts:
            while (due := engine.due_at()) is not None and due < fact.at:
                engine.advance(due)
                beside.advance(due, engine)
            engine.receive(fact)
            beside.receive(fact, engine)
    return tally
