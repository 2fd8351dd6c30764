"""Who is told of a session's readings, and who watches its engine."""

from typing import Protocol

from app.mood import Event, MoodEngine, Offer, Reading


class Subscriber(Protocol):
    """Someone who is told of a session's readings. `every`: with each batch, not only when something changed."""

    every: bool

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        """`offer`: help that is due; `changed`: the mood, its action or the offer is new."""


class Observer(Protocol):
    """Someone who watches a session's engine at work, event by event (shadow mode)."""

    def receive(self, event: Event, engine: MoodEngine) -> None: ...

    def advance(self, now: int, engine: MoodEngine) -> None: ...
