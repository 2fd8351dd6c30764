"""Which sessions are surely not in the file, without asking the disk: most who connect are new, and a look-up in the
reading thread costs more than their welcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from app import errors

logger = logging.getLogger("sessionmood.storage")

#: Bits that are set for a name, and bits there are for each: one name of 400 that is new is looked for all the same
#: (Bloom 1970: (1 - e^(-4/16))^4).
PROBES: Final = 4
BITS_A_NAME: Final = 16
#: Names that there is room for at first, and at most (32 MiB). Past that more and more new names are looked for.
FEWEST: Final = 65_536
MOST: Final = 16_777_216
#: Names read from the file in one go, and seconds until the next: a million are known half a minute after the start, for
#: 5 s of CPU time, and nobody waits longer than some ms for it.
PART: Final = 512
PAUSE: Final = 0.005
#: Seconds until a file that could not be read is tried again.
AGAIN_AFTER: Final = 5.0

#: Reads names of sessions (project, id) after a row, at most so many; with the row to go on from, None at the end.
Read = Callable[[int, int], Awaitable[tuple[list[tuple[str, str]], int | None]]]


class Filter:
    """A set that may say "yes" wrongly, and never "no". It has room for `names`, a power of two. Nobody can choose
    names that collide: Python's hash of a text has a secret of each process."""

    def __init__(self, names: int = FEWEST) -> None:
        self.room = names
        self.count = 0
        self._mask = names * BITS_A_NAME - 1
        self._bits = bytearray(names * BITS_A_NAME // 8)

    def add(self, name: tuple[str, str]) -> None:
        mark, bits, mask, fresh = hash(name), self._bits, self._mask, False
        step = (mark >> 32) | 1
        for _ in range(PROBES):
            place = mark & mask
            bit = 1 << (place & 7)
            if not bits[place >> 3] & bit:
                bits[place >> 3] |= bit
                fresh = True
            mark += step
        self.count += fresh

    def has(self, name: tuple[str, str]) -> bool:
        mark, bits, mask = hash(name), self._bits, self._mask
        step = (mark >> 32) | 1
        for _ in range(PROBES):
            place = mark & mask
            if not bits[place >> 3] & 1 << (place & 7):
                return False
            mark += step
        return True


class Names:
    """All sessions that the file may have. It is read through once after the start, and again when many were added since
    (erased ones stay until then); meanwhile every name counts as known, or what was known before does. Nobody else
    writes sessions into it (`Claim`). `count`: of the sessions in the file; `settled`: waits until all that was queued so
    far is in it."""

    def __init__(
        self, read: Read, count: Callable[[], Awaitable[int]], settled: Callable[[], Awaitable[None]]
    ) -> None:
        self._read = read
        self._count = count
        self._settled = settled
        self._known: Filter | None = None
        self._filling: Filter | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def start(self) -> None:
        if not self._failed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._fill(), name="names")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def add(self, name: tuple[str, str]) -> None:
        """Note a session before its first row is queued."""
        if self._filling is not None:
            self._filling.add(name)
        known = self._known
        if known is not None:
            known.add(name)
            if known.room < known.count and known.room < MOST:
                self.start()

    def lacks(self, name: tuple[str, str]) -> bool:
        """Whether nothing of this session is in the file, nor queued for it. False also where that is not certain."""
        return self._known is not None and not self._known.has(name)

    async def _fill(self) -> None:
        while True:
            try:
                await self._read_through()
                return
            except errors.StorageUnavailable as error:
                if not isinstance(error, errors.Damaged):
                    await asyncio.sleep(AGAIN_AFTER)
                    continue
                logger.warning("names of sessions can't all be read: who connects is looked for in the file")
            except Exception:
                logger.exception(
                    "names of sessions could not be read: who connects is looked for in the file"
                )
            self._failed = True
            return

    async def _read_through(self) -> None:
        """Raises StorageUnavailable."""
        count = await self._count()
        self._filling = filling = Filter(min(MOST, max(FEWEST, 1 << (2 * count).bit_length())))
        await self._settled()  # what was queued before `filling` was there is found in the file
        after: int | None = 0
        while after is not None:
            names, after = await self._read(after, PART)
            for name in names:
                filling.add(name)
            await asyncio.sleep(PAUSE)
        self._known, self._filling = filling, None
