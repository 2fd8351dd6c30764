"""Whom to ping, and when, so that nobody has to look at all sockets for it."""

from typing import Final, Generic, Protocol, TypeVar


class Silent(Protocol):
    """A socket. `silent_since`: when something last came or went (ms); `asked_in`: where `Silences` has it."""

    asked_in: int | None

    @property
    def silent_since(self) -> int: ...


T = TypeVar("T", bound=Silent)

#: How exactly the end of a silence is met (ms).
SLOT_MS: Final = 1000


class Silences(Generic[T]):
    """Each socket stands in the second in which it will have been silent for `interval` ms (0: none is asked for).
    Most have spoken when it comes, and move on: each is touched once an interval, not once a second."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._slots: dict[int, dict[T, None]] = {}
        self._hand = 0

    def wait(self, socket: T) -> None:
        """Note when `socket` is to be asked next."""
        self.forget(socket)
        if self._interval:
            slot = max(-(-(socket.silent_since + self._interval) // SLOT_MS), self._hand + 1)
            socket.asked_in = slot
            self._slots.setdefault(slot, {})[socket] = None

    def forget(self, socket: T) -> None:
        """`socket` is gone, or asked."""
        if socket.asked_in is not None:
            slot = self._slots[socket.asked_in]
            del slot[socket]
            if not slot:
                del self._slots[socket.asked_in]
            socket.asked_in = None

    def over(self, now: int) -> list[T]:
        """Those whose silence is over at `now` (ms), which are to be asked and to `wait` again. The rest moves on."""
        self._hand = now // SLOT_MS
        found = []
        for slot in sorted(slot for slot in self._slots if slot <= self._hand):
            for socket in list(self._slots[slot]):
                if now - socket.silent_since >= self._interval:
                    self.forget(socket)
                    found.append(socket)
                else:
                    self.wait(socket)
        return found
