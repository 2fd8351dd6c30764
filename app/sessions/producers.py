"""A page load as a session sees it: how far its numbering has come, and how its clock differs from ours.

Nothing here waits, reads a clock or does I/O: `now` is an argument.
"""

from typing import Final

from app.mood import Event

#: Page loads of one session whose numbering is in memory; past that the longest unused is left to the log.
MAX_PRODUCERS: Final = 256
#: A clock that nobody measured is believed while a batch's newest event is at most this old by it when it arrives
#: (ms): a sender that collects for a while. Beyond, that event is taken to have happened as it arrived.
CLOCK_TOLERANCE_MS: Final = 30_000
#: A page load's events are numbered as they happen, so time that runs back by more than this (ms) between two of them
#: means that its clock was set.
CLOCK_STEP_MS: Final = 30_000
#: A measured clock by which an event is to come this much (ms) after its arrival was set since.
CLOCK_AHEAD_MS: Final = 600_000


class Producer:
    """One page load. `ack`: the highest event number folded; `confirmed`: the highest that can't be lost, `ack` at
    most. `offset`: ms to add to its clock, None while unknown; `measured`: a `hello` or a request told its clock, else
    it was taken from how late events came. `latest`: the newest time folded, by its own clock (-1: none)."""

    __slots__ = ("ack", "confirmed", "latest", "measured", "offset", "reports")

    def __init__(self, ack: int = 0, offset: int | None = None, reports: int = 0) -> None:
        self.ack = self.confirmed = ack
        self.offset = offset
        self.measured = offset is not None
        self.reports = reports
        self.latest = -1

    def measure(self, offset: int) -> None:
        """Note what its clock was found to be, just now."""
        self.offset = offset
        self.measured = True
        self.latest = -1

    def check(self, offset: int) -> None:
        """Note what a request says of its clock, unless that is what is known: lines are sometimes slow."""
        if self.offset is None or not self.measured or abs(offset - self.offset) > CLOCK_STEP_MS:
            self.measure(offset)

    def align(self, newest: int, now: int) -> int:
        """ms to add to the times of events that are new and came at `now`, the latest of which happened at `newest`
        by this page load's clock (-1: they have no times)."""
        if newest == -1:
            return self.offset or 0
        offset = self.offset
        if offset is None:
            offset = unmeasured(newest, now)
        elif self.latest != -1 and newest < self.latest - CLOCK_STEP_MS:
            offset = now - newest  # set back
        elif newest + offset > now + (CLOCK_AHEAD_MS if self.measured else 0):
            offset = now - newest  # set forward; or the first to come less late than those it was taken from
        self.offset = offset
        self.latest = newest
        return offset


def used(producers: dict[str, Producer], id: str) -> Producer:
    """The page load `id`, made on first use, as the latest used of `producers`, of which MAX_PRODUCERS stay."""
    if len(producers) == 1 and id in producers:  # nearly always
        return producers[id]
    known = producers.pop(id, None)
    if known is None:
        known = Producer()
        if len(producers) >= MAX_PRODUCERS:
            # those that only said hello first: the log has nothing of them to look up
            idle = next((each for each, known in producers.items() if not known.ack), None)
            del producers[next(iter(producers)) if idle is None else idle]
    producers[id] = known
    return known


def newest_of(events: list[Event]) -> int:
    """The latest `at` of `events`, -1 where none has one."""
    newest = -1
    for event in events:
        newest = max(newest, event.at)
    return newest


def unmeasured(newest: int, now: int) -> int:
    """ms to add to the clock of a sender of which only one batch is known."""
    return 0 if newest == -1 or now - CLOCK_TOLERANCE_MS <= newest <= now else now - newest
