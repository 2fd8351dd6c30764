"""The end of sessions: what is past its keep-by date is erased, unless the date itself is hard to believe."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from app.errors import StorageUnavailable
from app.storage import Storage

logger = logging.getLogger("sessionmood.retention")

DAY_MS: Final = 86_400_000
#: Sessions past their keep-by date are looked for this often (s), and erased so many at a time.
EXPIRE_EVERY: Final = 60.0
EXPIRE_AT_ONCE: Final = 100
#: A database that was not served for longer than this (ms), by the clock, is one whose clock may be wrong: then
#: everything in it would be too old at once.
LEAP_MS: Final = 7 * DAY_MS
#: How exactly the time is kept (ms) at which the clock was last believed.
SEEN_EVERY_MS: Final = 3_600_000


async def refusal(store: Storage, now: int, days: float) -> str:
    """Why nothing may be erased at `now` (ms) by a retention of so many `days`; "" where it may. Raises
    StorageUnavailable."""
    seen = await store.clock_seen()
    if not days or seen is None or now - seen <= LEAP_MS:
        return ""
    if not await store.expired(now - round(days * DAY_MS), 1):
        return ""
    return (
        f"nothing is erased: the clock is {(now - seen) / DAY_MS:.0f} days ahead of the last time that this database was "
        "served; if it is right, run `sessionmood expire --yes`, else set it and restart"
    )


class Retention:
    """Erases with `expire` (before a time in ms, at most so many; how many went) what is older than `days`; 0: never.
    `refused`: why it does not, "" where all is well."""

    def __init__(
        self,
        store: Storage,
        clock: Callable[[], int],
        days: float,
        expire: Callable[[int, int], Awaitable[int]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._expire = expire
        self.refused = ""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except StorageUnavailable:
                pass  # storage reports its own state
            except Exception:
                logger.exception("old sessions could not be erased")
            await asyncio.sleep(EXPIRE_EVERY)

    async def look(self) -> None:
        """Erase what is due now. Raises StorageUnavailable."""
        now = self._clock()
        refused = await refusal(self._store, now, self._days)
        if refused and not self.refused:
            logger.error("retention: %s", refused)
        self.refused = refused
        if refused:
            return
        seen = await self._store.clock_seen()
        if seen is None or abs(now - seen) >= SEEN_EVERY_MS:
            await self._store.see_clock(now)
        while self._days and await self._expire(now - round(self._days * DAY_MS), EXPIRE_AT_ONCE):
            await asyncio.sleep(0)
