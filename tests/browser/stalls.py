"""Whether the machine stood still: what was timed meanwhile says nothing of the product."""

import threading
import time
from types import TracebackType

TICK = 0.02
#: A tick that comes so much late (seconds) is no matter of the interpreter's turns any more.
STALL = 0.25


class Stalls:
    """Ticks in a thread of its own as long as it is entered; `seen`: a tick came too late."""

    def __init__(self) -> None:
        self.seen = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Stalls":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _tick(self) -> None:
        last = time.monotonic()
        while not self._over.wait(TICK):
            self.seen |= time.monotonic() - last > TICK + STALL
            last = time.monotonic()
        self.seen |= time.monotonic() - last > TICK + STALL
