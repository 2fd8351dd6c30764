"""Work that takes turns: new connections, requests, what is no batch, and what somebody sent much of at once.
One of them goes on in each turn of the event loop, so that however many there are, who sends a batch now and then
hardly waits for them."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("sessionmood.server")

#: Seconds that one may take of a turn; a few times what a batch of 20 events takes.
SHARE: Final = 0.00025


class SlowLane:
    """Work in shares. It belongs to the loop that it is used in."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[float], bool]] = deque()
        self._going = False

    def join(self, work: Callable[[float], bool]) -> None:
        """Call `work(ends)` in a later turn, and again as long as it returns True. It should return when
        `time.perf_counter()` has passed `ends`."""
        self._waiting.append(work)
        if not self._going:
            self._going = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        work = self._waiting.popleft()
        try:
            if work(time.perf_counter() + SHARE):
                self._waiting.append(work)
        except Exception:
            logger.exception("what a client sent could not be taken in")
        self._going = bool(self._waiting)
        if self._going:
            asyncio.get_running_loop().call_soon(self._turn)
