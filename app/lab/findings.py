"""What a check-up found, in words."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """`fail` needs to be mended, `warn` should be looked at."""

    ok = "ok"
    warn = "warn"
    fail = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    level: Level
    what: str


def ok(what: str) -> Finding:
    return Finding(Level.ok, what)


def warn(what: str) -> Finding:
    return Finding(Level.warn, what)


def fail(what: str) -> Finding:
    return Finding(Level.fail, what)
