"""What one page load knows: the facts it made, which of them were acked, where the visitor stands."""

import random
import time
from typing import Any

_KINDS = (
    "click",
    "click",
    "scroll",
    "hover",
    "input",
    "error",
    "rage_click",
    "page_view",
    "response",
    "sparkle",
)


class Broken(AssertionError):
    """The service broke a promise."""


class Page:
    """One numbering. `made[n - 1]` is event n; everything up to `acked` was acknowledged."""

    def __init__(self, producer: str, rng: random.Random, clock_skew_ms: int | None) -> None:
        self.producer = producer
        self.rng = rng
        self.skew = clock_skew_ms
        self.made: list[dict[str, Any]] = []
        self.acked = 0

    def now(self) -> int:
        """This page's own clock (ms), wrong as real ones are."""
        return time.time_ns() // 1_000_000 + (self.skew or 0)

    def make(self, count: int) -> None:
        """Something happens `count` times."""
        for _ in range(count):
            kind = self.rng.choice(_KINDS)
            event: dict[str, Any] = {"type": kind, "target": f"{self.producer}:{len(self.made) + 1}"}
            if kind in ("scroll", "hover", "response"):
                event["value"] = self.rng.randint(1, 100)
            if self.skew is not None:
                event["at"] = self.now()
            self.made.append(event)

    def batch(self, first: int, last: int) -> list[dict[str, Any]]:
        """Events `first`..`last`, as numbered from 1."""
        return self.made[first - 1 : last]

    def ack(self, seq: int, how: str) -> None:
        """The server says it has everything up to `seq` for good."""
        if seq > len(self.made):
            raise Broken(f"{how} acked event {seq} of {self.producer}, which made {len(self.made)}")
        self.acked = max(self.acked, seq)

    def resume(self, ack: int, how: str) -> None:
        """The server says where it stands, after everything acked so far."""
        if ack < self.acked:
            raise Broken(f"{how} of {self.producer} goes back to {ack}: {self.acked} was acked")
        self.ack(ack, how)


class Standing:
    """The newest position (event_count, as_of) that a visitor has seen."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.position = (0, 0)
        self.readings = 0

    def see(self, reading: dict[str, Any] | None, how: str) -> None:
        """Raises Broken when `reading` is older than one seen before."""
        if reading is None:
            return
        position = (reading["event_count"], reading["as_of"])
        if position < self.position:
            raise Broken(f"{how} of {self.session} goes back from {self.position} to {position}")
        self.position = position
        self.readings += 1
