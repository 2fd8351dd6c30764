"""Labelled recordings of a made-up site."""

import random

from app.lab.recordings import RecordedEvent, Recording


def form_struggle(draw: random.Random) -> list[RecordedEvent]:
    """Refused again and again by a form, with answers in between."""
    events = [RecordedEvent(type="page_view", at=0, url="/form")]
    for at in range(draw.randint(6, 9)):
        events.append(RecordedEvent(type="error", at=2000 + at * 4000, kind="validation"))
        events.append(RecordedEvent(type="click", at=3000 + at * 4000, target="#send"))
        events.append(RecordedEvent(type="response", at=3200 + at * 4000, value=200))
    return events


def unanswered(draw: random.Random) -> list[RecordedEvent]:
    """A game whose field never answers by itself; nobody minds."""
    events = [RecordedEvent(type="page_view", at=0, url="/game")]
    events += [
        RecordedEvent(type="click", at=1000 + at * 1500, target="#field", x=100.0 + 150 * at, y=9.0)
        for at in range(draw.randint(14, 20))
    ]
    return events


def site(people: int, sessions: int, seed: int = 1) -> list[tuple[str, Recording]]:
    """A site where struggling with forms frustrates and unanswered clicks do not: not what is shipped."""
    draw = random.Random(seed)
    found = []
    for person in range(people):
        for at in range(sessions):
            bad = at % 2 == 0
            events = form_struggle(draw) if bad else unanswered(draw)
            found.append(
                (
                    "site",
                    Recording(
                        id=f"{person}-{at}",
                        person=person,
                        labels={"frustrated": float(bad)},
                        events=events,
                        reports=["response"],
                    ),
                )
            )
    return found
