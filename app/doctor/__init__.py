"""Looks a deployment over and says in words what is wrong with it, and what to do."""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How bad it is: fine, worth a look, or broken."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at. `advice`: what to do, empty when nothing."""

    level: Level
    text: str
    advice: str = ""


def ok(text: str) -> Finding:
    return Finding(Level.OK, text)


def warn(text: str, advice: str) -> Finding:
    return Finding(Level.WARN, text, advice)


def bad(text: str, advice: str) -> Finding:
    return Finding(Level.BAD, text, advice)
