"""What is learned of the projects' elements, across restarts: read at the start, stored as it grows."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from app.errors import StorageUnavailable
from app.sessions.elements import HALF_LIFE, MAX_OF_ALL, Element, Elements
from app.storage import ElementRow, Storage

logger = logging.getLogger("sessionmood.learning")

#: What was learned is stored this often (s), so many elements at a time: a crash costs no more than that.
STORE_EVERY: Final = 30.0
STORE_AT_ONCE: Final = 2_000
#: Elements that nobody used for so many half-lives are forgotten: hardly a hundredth of what was learned is left.
FORGOTTEN_AFTER: Final = 6


class Learning:
    """Keeps `elements` in storage. `clock` gives ms since the epoch. What fails is tried again at the next round;
    sessions go on with what is in memory."""

    def __init__(self, store: Storage, clock: Callable[[], int]) -> None:
        self.elements = Elements()
        self._store = store
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what was stored. Raises StorageUnavailable."""
        await self._store.store_elements([], self._clock() - round(FORGOTTEN_AFTER * HALF_LIFE * 1000))
        for row in await self._store.elements(MAX_OF_ALL):
            self.elements.put(row.project, row.target, _element(row))
        self._task = asyncio.create_task(self._run(), name="learning")

    async def stop(self) -> None:
        """Store what is left, if storage takes it."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(StorageUnavailable):
            await self.store()

    async def store(self) -> None:
        """Store what was learned since the last time. Raises StorageUnavailable; what it was about is still fresh."""
        while fresh := self.elements.fresh(STORE_AT_ONCE):
            try:
                await self._store.store_elements([_row(*each) for each in fresh], 0)
            except BaseException:
                self.elements.keep_fresh(fresh)
                raise

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(STORE_EVERY)
            try:
                await self.store()
            except StorageUnavailable:
                pass  # storage reports its own state
            except Exception:
                logger.exception("what was learned of elements could not be stored; the next try comes soon")


def _row(project: str, target: str, e: Element) -> ElementRow:
    return ElementRow(project, target, e.at, e.visitors, e.clicks, e.runs, e.answered, e.dead, e.waited)


def _element(row: ElementRow) -> Element:
    element = Element(row.at)
    element.visitors = row.visitors
    element.clicks = row.clicks
    element.runs = row.runs
    element.answered = row.answered
    element.dead = row.dead
    element.waited = row.waited
    return element
