"""What a server looks after as long as it runs: its sockets, its clock, and what commands beside it ask for."""

import asyncio
import logging
from typing import Final

from app.auth.access import REFRESH_EVERY
from app.clock import ASKED_EVERY, Clock
from app.errors import Damaged, StorageUnavailable
from app.transport import Doors

logger = logging.getLogger("sessionmood")

#: What a command asks to erase is looked for this often (s): as often as the keys that a command may revoke, but
#: not with them, since an erasure may wait for the disk and a revocation must not.
REQUESTS_EVERY: Final = REFRESH_EVERY


class Upkeep:
    """`clock`: the one that `doors` goes by."""

    def __init__(self, doors: Doors, clock: Clock) -> None:
        self.doors = doors
        self.clock = clock
        self.store = doors.store

    def start(self) -> list["asyncio.Task[None]"]:
        """The tasks, which never end by themselves."""
        return [
            *([] if self.store.sole else [asyncio.create_task(self._ask_time(), name="time")]),
            asyncio.create_task(self._watch_sockets(), name="sockets"),
            asyncio.create_task(self._erase_requested(), name="erase"),
        ]

    async def _ask_time(self) -> None:
        """Stay with the database's clock, as the other nodes do."""
        while True:
            await asyncio.sleep(ASKED_EVERY)
            try:
                await self.clock.ask(self.store.now)
            except StorageUnavailable:
                pass  # storage reports its own state; this clock goes on evenly
            except Exception:
                logger.exception("the database could not be asked for the time")

    async def _watch_sockets(self) -> None:
        """Look at the clock, ping the silent."""
        silences = self.doors.connections.silences
        while True:
            await asyncio.sleep(1)
            try:
                self.clock.look()
            except Exception:
                logger.exception("the clock could not be looked at")
            now = self.clock()
            for connection in silences.over(now):
                try:
                    connection.ping(now)
                except Exception:
                    logger.exception("a socket could not be pinged", extra=connection.names())
                silences.wait(connection)

    async def _erase_requested(self) -> None:
        """Erase what a command beside the server asks for, also before this start."""
        while True:
            try:
                requests = await self.store.erasure_requests()
                # Together, so that they share one wiping of the file.
                outcomes = await asyncio.gather(
                    *(self.doors.erase(*request) for request in requests), return_exceptions=True
                )
                for request, outcome in zip(requests, outcomes, strict=True):
                    if isinstance(outcome, Exception) and not _passing(outcome):
                        self.store.report_damage(*request, "erase", outcome)
            except StorageUnavailable:
                pass  # storage reports its own state; the requests stay
            except Exception:
                logger.exception("sessions could not be erased as asked")
            await asyncio.sleep(REQUESTS_EVERY)


def _passing(error: Exception) -> bool:
    """Whether storage as a whole is at fault, which reports that itself, rather than one session in it."""
    return isinstance(error, StorageUnavailable) and not isinstance(error, Damaged)
