"""Work that takes turns: new connections, requests, what is no batch, and what somebody sent much of at once.
A little of it goes on in each turn of the event loop, so that however many there are, who sends a batch now and
then hardly waits for them; and never less than its part of the loop's time, so that they get in while it is busy.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

logger = logging.getLogger("sessionmood.server")

#: Seconds that one may take at a time; a few times what a batch of 20 events takes. Each counts for so much: the
#: tasks that it wakes go on later, and take about as long.
SHARE: Final = 0.00025
#: All of them get this part of the loop's time, but at most so many seconds of a turn.
PART: Final = 0.25
MOST: Final = 0.002


class SlowLane:
    """Work in shares. It belongs to the loop that it is used in."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[float], bool]] = deque()
        self._going = False
        self._left = 0.0

    def join(self, work: Callable[[float], bool]) -> None:
        """Call `work(ends)` in a later turn, and again as long as it returns True. It should return when
        `time.perf_counter()` has passed `ends`."""
        self._waiting.append(work)
        if not self._going:
            self._going = True
            self._left = time.perf_counter()
            asyncio.get_running_loop().call_soon(self._turn)

    async def turn(self) -> None:
        """Wait for one's turn."""
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def call(_: float) -> bool:
            if not come.done():
                come.set_result(None)
            return False

        self.join(call)
        await come

    def _turn(self) -> None:
        began = time.perf_counter()
        left = min(MOST, (began - self._left) * PART)
        while True:
            work = self._waiting.popleft()
            try:
                if work(began + SHARE):
                    self._waiting.append(work)
            except Exception:
                logger.exception("what a client sent could not be taken in")
            ended = time.perf_counter()
            left -= max(SHARE, ended - began)
            began = ended
            if left <= 0 or not self._waiting:
                break
        self._left = began
        self._going = bool(self._waiting)
        if self._going:
            asyncio.get_running_loop().call_soon(self._turn)
