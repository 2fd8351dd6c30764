"""Whom to ping, and when."""

from app.transport.silences import Silences


class Socket:
    def __init__(self, silent_since: int) -> None:
        self.asked_in: int | None = None
        self._silent_since = silent_since
        self.looks = 0

    @property
    def silent_since(self) -> int:
        self.looks += 1
        return self._silent_since

    def speak(self, now: int) -> None:
        self._silent_since = now


def test_who_is_silent_is_found_in_the_second_after() -> None:
    silences: Silences[Socket] = Silences(25_000)
    first, second = Socket(1_000), Socket(1_500)
    silences.wait(first)
    silences.wait(second)
    assert silences.over(25_999) == []
    assert silences.over(26_000) == [first]
    assert silences.over(27_000) == [second]
    assert silences.over(999_999) == []  # nobody waits who was not put back


def test_who_spoke_meanwhile_is_asked_an_interval_later() -> None:
    silences: Silences[Socket] = Silences(25_000)
    socket = Socket(0)
    silences.wait(socket)
    socket.speak(24_000)
    assert silences.over(25_000) == []
    assert silences.over(48_999) == []
    assert silences.over(49_000) == [socket]


def test_who_is_gone_is_not_asked() -> None:
    silences: Silences[Socket] = Silences(25_000)
    gone, here = Socket(0), Socket(0)
    silences.wait(gone)
    silences.wait(here)
    silences.forget(gone)
    silences.forget(gone)  # twice is as good
    assert silences.over(30_000) == [here]


def test_a_clock_that_was_set_ahead_leaves_nobody_out() -> None:
    silences: Silences[Socket] = Silences(25_000)
    sockets = [Socket(at * 1000) for at in range(10)]
    for socket in sockets:
        silences.wait(socket)
    assert silences.over(3_600_000) == sockets
    late = Socket(0)  # its second has passed already
    silences.wait(late)
    assert silences.over(3_601_000) == [late]


def test_without_an_interval_nobody_is_asked() -> None:
    silences: Silences[Socket] = Silences(0)
    socket = Socket(0)
    silences.wait(socket)
    silences.forget(socket)
    assert silences.over(10**9) == []


def test_a_socket_is_touched_when_it_is_due_only() -> None:
    silences: Silences[Socket] = Silences(25_000)
    socket = Socket(0)
    silences.wait(socket)
    before = socket.looks
    for second in range(25):
        assert silences.over(second * 1000) == []
    assert socket.looks == before
