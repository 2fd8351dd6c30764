"""What the service counts of itself: plain integers, added to where things happen, read by the metrics page."""

from bisect import bisect_left
from typing import Final

#: Upper bounds (s) of the latency classes; what takes longer is in one more.
LATENCIES: Final[tuple[float, ...]] = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
)


#: What may come of an offer: kinds of the event `help`.
HELP_OUTCOMES: Final = ("shown", "accepted", "dismissed", "snoozed", "expired")


class Histogram:
    """Durations (s) in classes. `counts` has one more entry than `bounds`; `total`: their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCIES) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class Counters:
    """Since the process started. `moods`: changes, by the mood they led to. `help`: what came of offers, by the kind
    of the event that told; `held_out`: offers due in sessions that are never shown one. `conflated`: readings that
    were replaced before they were sent. `disputed`: clients that lost an id to somebody who had
    opened it; `expired`: sessions that retention erased."""

    __slots__ = (
        "acks_rest",
        "acks_websocket",
        "changes",
        "conflated",
        "connections",
        "disputed",
        "duplicates",
        "events",
        "evicted",
        "expired",
        "held_out",
        "help",
        "ignored",
        "loaded",
        "moods",
        "nacks",
        "offers",
        "pushes",
        "refusals",
        "swept",
    )

    def __init__(self) -> None:
        self.events = self.duplicates = self.ignored = self.changes = self.offers = 0
        self.loaded = self.evicted = self.swept = self.expired = self.disputed = 0
        self.connections = self.pushes = self.conflated = 0
        self.acks_websocket = Histogram()
        self.acks_rest = Histogram()
        self.moods: dict[str, int] = {}
        self.help: dict[str, int] = {}
        self.held_out = 0
        self.nacks: dict[str, int] = {}
        self.refusals: dict[tuple[str, str], int] = {}

    def refuse(self, door: str, code: str) -> None:
        """A request was refused, or a socket closed, with this code of the errors' tree."""
        self.refusals[(door, code)] = self.refusals.get((door, code), 0) + 1

    def told_of_help(self, kind: str | None, times: int = 1) -> None:
        """An event told what came of an offer of help. `times`: -1 takes that back."""
        if kind in HELP_OUTCOMES:
            self.help[kind] = self.help.get(kind, 0) + times

    def nack(self, code: str) -> None:
        """A batch was refused on a socket that goes on."""
        self.nacks[code] = self.nacks.get(code, 0) + 1
