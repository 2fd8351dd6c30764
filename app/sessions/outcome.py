"""What a batch did to a session."""

from dataclasses import dataclass
from typing import Final

from app.mood import Change, Offer

#: Unknown event types that an answer names.
MAX_IGNORED_TYPES: Final = 10


@dataclass
class Outcome:
    """What a batch did. `skipped`: how many of its first events were known already. `moved`: there is
    something to store. `ack`: None without a producer. `ignored_types`: the unknown types among the ignored, at most
    MAX_IGNORED_TYPES."""

    accepted: int
    duplicates: int
    ignored: int
    skipped: int
    moved: bool
    first_seq: int | None
    ack: int | None
    reports: int
    news: list[Change | Offer]
    ignored_types: tuple[str, ...] = ()


def merged_types(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The ignored types of two answers, each once, as many as one may name."""
    return tuple(dict.fromkeys(some + others))[:MAX_IGNORED_TYPES]
