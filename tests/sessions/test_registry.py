"""All live sessions: who listens, who may leave, whom time wakes."""

from app.mood import Event
from app.sessions.registry import MOST_AT_ONCE, SLOT_MS, Sessions
from app.sessions.session import Session

NOW = 1_800_000_000_000


class Listener:
    every = False

    def push(self, reading: object, offer: object, changed: bool) -> None: ...


def watched() -> tuple[Sessions, list[str]]:
    """Sessions, and what is told of who is followed."""
    sessions, told = Sessions(), []
    sessions.on_followed = lambda project, id: told.append(f"+{id}")
    sessions.on_left = lambda project, id: told.append(f"-{id}")
    return sessions, told


def used(sessions: Sessions, id: str, events: int = 1, at: int = NOW) -> Session:
    session = sessions.open("p", id, at, publishable=False)
    session.receive([Event("click", at)] * events, None, None, 0, None, at)
    sessions.touch(session)
    return session


def test_a_session_is_followed_from_its_first_listener_to_its_last() -> None:
    sessions, told = watched()
    session, one, two = used(sessions, "s"), Listener(), Listener()
    for listener in (one, two):
        sessions.listen(session, listener)
    assert (told, sessions.followed()) == (["+s"], [("p", "s")])
    sessions.leave(session, one)
    sessions.leave(session, one)  # it has left already
    assert (told, sessions.followed()) == (["+s"], [("p", "s")])
    sessions.leave(session, two)
    assert (told, sessions.followed()) == (["+s", "-s"], [])


def test_who_listens_to_what_has_left_memory_holds_nothing() -> None:
    sessions, told = watched()
    session, listener = used(sessions, "s"), Listener()
    sessions.remove(session)
    another = used(sessions, "s")
    sessions.listen(session, listener)
    sessions.listen(another, Listener())
    sessions.leave(session, listener)
    assert told == ["+s", "+s"]  # somebody still follows what has its name
    assert sessions.idle(NOW + 1, 100) == []


def test_a_name_is_followed_as_long_as_anybody_waits_with_a_proposal_of_it() -> None:
    sessions, told = watched()
    waiting = [sessions.propose("p", "s", NOW, nonce) for nonce in ("a", "b")]
    listeners = [Listener(), Listener()]
    for proposal, listener in zip(waiting, listeners, strict=True):
        sessions.listen(proposal, listener)
    assert sessions.propose("p", "s", NOW, "a") is waiting[0]
    sessions.leave(waiting[0], listeners[0])
    assert sessions.proposals("p", "s") == [waiting[1]]
    assert "-s" not in told
    sessions.leave(waiting[1], listeners[1])
    assert (told[-1], sessions.proposals("p", "s"), sessions.followed()) == ("-s", [], [])


def test_so_many_leave_memory_at_once_the_longest_unused_first() -> None:
    sessions = Sessions()
    all = [used(sessions, f"s{index}", at=NOW + index) for index in range(MOST_AT_ONCE + 5)]
    later = NOW + 3_600_000
    assert sessions.idle(later, 10_000) == all[:MOST_AT_ONCE]
    assert sessions.idle(NOW, cap=len(all) - 2) == all[:2]  # there are too many, whoever was used when


def test_who_is_put_off_is_woken_then_and_not_before() -> None:
    sessions = Sessions()
    session = used(sessions, "s", 5)
    due = session.wake_at()
    assert due is not None
    assert sessions.due(due + SLOT_MS) == [session]
    until = due + 60_000
    sessions.postpone(session, until)
    assert sessions.due(until - SLOT_MS) == []
    assert sessions.due(until + SLOT_MS) == [session]
    sessions.postpone(session, until + 60_000)
    sessions.touch(session)  # used again: it wakes as soon as it says
    assert sessions.due(until + 3 * SLOT_MS) == [session]
