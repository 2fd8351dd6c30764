"""The service's time: the machine's clock as it was at the start, carried on by a clock that nobody can set.

Moods, rates, tokens and the log need time that goes on evenly. A clock that is set back must not stop them for an
hour, and one that is set ahead must not make three months pass. Of several nodes each follows the database's clock, so
that they agree whatever their machines say.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

logger = logging.getLogger("sessionmood.clock")

#: Apart by more than this (ms), the machine's clock was set: networks correct the rest smoothly.
NOTICED_MS: Final = 1000
#: How far ahead the clock may be set (ms) for the service to follow: what a late correction needs, and no more than
#: sessions can bear. The rest is followed by a restart only.
FOLLOWED_MS: Final = 3_600_000
#: An operator should look at it where they differ by more (ms).
TRUSTED_MS: Final = 60_000
#: What is worked off a second (ms) where the machine's clock is behind: time goes on all the same.
WORKED_OFF_MS: Final = 5
#: At a start, time goes on from what was kept last where the machine's clock is behind that by at most this (ms).
RESUMED_MS: Final = 86_400_000

#: The database's clock is asked so often in a row; the answer that came fastest counts. It is right to half of the time
#: that it took. Seconds between two such looks.
ASKED: Final = 8
ASKED_EVERY: Final = 30.0

_NS: Final = 1_000_000


def _with_sleep_ns() -> int:
    """As `time.monotonic_ns`, with the time that the machine slept, where the system tells."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot_time is None else time.clock_gettime_ns(boot_time)


class Clock:
    """ms since the epoch, never running back. `wall_ns`, `steady_ns` and `with_sleep_ns` are the machine's clocks.
    `steps`: how often the machine's clock was found set; `ahead_ms`: how far it is ahead of this one, at the last
    `look`."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        with_sleep_ns: Callable[[], int] = _with_sleep_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._with_sleep_ns = with_sleep_ns
        self._offset_ns = wall_ns() - steady_ns()
        self._slept_ns = with_sleep_ns() - steady_ns()
        self._newest = self._last = 0
        self._reference_ns: int | None = None  # the followed clock, ahead of the steady one
        self.steps = 0
        self.ahead_ms = 0

    def __call__(self) -> int:
        now = (self._steady_ns() + self._offset_ns) // _NS
        if now < self._last:  # a little was just worked off
            return self._last
        self._last = now
        return now

    @property
    def trusted(self) -> bool:
        """Whether this clock and the machine's agree, as far as people mind."""
        return abs(self.ahead_ms) <= TRUSTED_MS

    def resume(self, newest: int | None) -> None:
        """At the start: `newest` is the time (ms) of the last event that was kept."""
        behind = (newest or 0) - self()
        if behind <= 0:
            return
        if behind <= RESUMED_MS:
            self._offset_ns += behind * _NS
        else:
            self._newest = newest or 0
        logger.warning(
            "the machine's clock is %s behind the newest event that is kept%s",
            _spoken(behind),
            "; time goes on from that" if behind <= RESUMED_MS else ": is it right?",
        )
        self.ahead_ms = self._ahead_ns() // _NS

    async def ask(self, reference: Callable[[], Awaitable[float]]) -> None:
        """Follow another clock from now on: `reference` tells its ms since the epoch, and may raise what it likes. To be
        called before the service begins, when this clock may still be set back, and again every ASKED_EVERY."""
        best: tuple[int, int] | None = None
        for _ in range(ASKED):
            asked = self._steady_ns()
            at_ns = round(await reference() * _NS)
            took = self._steady_ns() - asked
            if best is None or took < best[0]:
                best = (took, at_ns - asked - took // 2)
        assert best is not None
        if self._reference_ns is None:
            self._offset_ns = best[1]
            self._last = 0
        self._reference_ns = best[1]

    def look(self) -> None:
        """Compare with the machine's clock, or the one that is followed; to be called every second."""
        if self._reference_ns is not None:
            self._look_at_reference(self._reference_ns - self._offset_ns)
            return
        before, ahead_ns = self.ahead_ms, self._ahead_ns()
        slept_ns = self._with_sleep_ns() - self._steady_ns() - self._slept_ns
        self._slept_ns += slept_ns
        self.ahead_ms = ahead_ns // _NS
        ahead = self.ahead_ms
        stepped = abs(ahead - before) > NOTICED_MS
        self.steps += stepped
        if ahead > NOTICED_MS and self._may_follow(ahead, slept_ns // _NS):
            self._offset_ns += ahead_ns
            self.ahead_ms = 0
            logger.warning("the machine's clock went ahead by %s; the service follows", _spoken(ahead))
        elif ahead < 0:
            self._offset_ns -= min(WORKED_OFF_MS * _NS, -ahead_ns)
            if stepped:
                logger.warning(
                    "the machine's clock was set back and is %s behind the service's, which goes on evenly and "
                    "works that off slowly",
                    _spoken(-ahead),
                )
        elif stepped:
            logger.error(
                "the machine's clock was set ahead by %s; the service does not follow that far: if the clock is right "
                "now, restart it",
                _spoken(ahead),
            )

    def _look_at_reference(self, ahead_ns: int) -> None:
        """Come to it: at once where it is ahead, slowly where it is behind, since time never runs back."""
        before, self.ahead_ms = self.ahead_ms, ahead_ns // _NS
        if abs(self.ahead_ms - before) > NOTICED_MS:
            self.steps += 1
            logger.warning(
                "the database's clock is %s %s this one",
                _spoken(abs(self.ahead_ms)),
                "ahead of" if ahead_ns > 0 else "behind",
            )
        if 0 < ahead_ns <= FOLLOWED_MS * _NS:
            self._offset_ns += ahead_ns
            self.ahead_ms = 0
        elif ahead_ns < 0:
            self._offset_ns -= min(WORKED_OFF_MS * _NS, -ahead_ns)

    def _ahead_ns(self) -> int:
        if self._reference_ns is not None:
            return self._reference_ns - self._offset_ns
        return self._wall_ns() - self._steady_ns() - self._offset_ns

    def _may_follow(self, ahead: int, slept: int) -> bool:
        """A short way, after the machine slept, or out of a past that came before what is kept."""
        return ahead <= FOLLOWED_MS or ahead <= slept + FOLLOWED_MS or self() < self._newest


def _spoken(ms: int) -> str:
    for unit, size in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.1f} {unit}"
    return f"{ms / 1000:.1f} s"
