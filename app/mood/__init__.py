"""The ground floor: from what a visitor did to how they feel. Pure, synchronous, deterministic.

No I/O, clock, logging or randomness in here: time is an argument, and the same events give the same readings
bit for bit. `MoodEngine` is the door; `numbers` holds every number with its reason.
"""

from app.mood.decay import kept, rate_of
from app.mood.engine import MoodEngine
from app.mood.events import EVENT_TYPES, REPORTS_DEAD_CLICK, REPORTS_RESPONSE, Event, Usual, reports_mask
from app.mood.model.model import DEFAULT, Model
from app.mood.reading import MOODS, Change, Evidence, Offer, Reading
from app.mood.snapshot import OutdatedSnapshot

__all__ = [
    "DEFAULT",
    "EVENT_TYPES",
    "MOODS",
    "REPORTS_DEAD_CLICK",
    "REPORTS_RESPONSE",
    "Change",
    "Event",
    "Evidence",
    "Model",
    "MoodEngine",
    "Offer",
    "OutdatedSnapshot",
    "Reading",
    "Usual",
    "kept",
    "rate_of",
    "reports_mask",
]
