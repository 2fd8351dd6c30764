"""When to see whether peers are still there: one timer for all sockets, which are too many for one each."""

import asyncio
import logging
from typing import Final, Protocol

logger = logging.getLogger("sessionmood.server")

#: How late a socket may be asked (s).
TICK: Final = 0.25


class Kept(Protocol):
    """A socket. `tick`: where `Keepalive` has it."""

    tick: int | None

    def send_keepalive_ping(self) -> None: ...


class Keepalive:
    """Calls each socket's `send_keepalive_ping` when its time has come."""

    def __init__(self) -> None:
        self._due: dict[int, dict[Kept, None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def ask_in(self, seconds: float, socket: Kept) -> None:
        """Call `socket` after so long, instead of when it was to be called."""
        loop = asyncio.get_running_loop()
        self.forget(socket)
        socket.tick = tick = int((loop.time() + seconds) / TICK) + 1
        self._due.setdefault(tick, {})[socket] = None
        if self._timer is None:
            self._timer = loop.call_later(TICK, self._turn)

    def forget(self, socket: Kept) -> None:
        """Do not call `socket`."""
        if socket.tick is not None:
            due = self._due.get(socket.tick)
            if due is not None:
                due.pop(socket, None)
                if not due:
                    del self._due[socket.tick]
            socket.tick = None

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = int(loop.time() / TICK)
        for tick in sorted(tick for tick in self._due if tick <= now):
            for socket in self._due.pop(tick):
                if socket.tick != tick:  # another one's call has ended it
                    continue
                socket.tick = None
                try:
                    socket.send_keepalive_ping()
                except Exception:
                    logger.exception("a WebSocket could not be pinged")
        self._timer = loop.call_later(TICK, self._turn) if self._due else None
