"""Live sessions without I/O: identity, time alignment, snapshots, the clock hand."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import OutOfOrder
from app.mood import DEFAULT, Event
from app.sessions.become import become
from app.sessions.outcome import MAX_IGNORED_TYPES, Outcome
from app.sessions.producers import CLOCK_STEP_MS, CLOCK_TOLERANCE_MS, MAX_PRODUCERS
from app.sessions.registry import SLOT_MS, Sessions
from app.sessions.session import OLDEST_EVENT_MS, Session
from app.sessions.stored_row import ROW_LAG_MS

NOW = 1_800_000_000_000


def clicks(*ats: int) -> list[Event]:
    return [Event("click", at) for at in ats]


def session() -> Session:
    return Session("project", "id", NOW, DEFAULT, publishable=False)


def receive(s: Session, ats: list[int], seq: int | None = None, now: int = NOW, **more: Any) -> Outcome:
    return s.receive(
        clicks(*ats), more.get("producer", "p" if seq else None), seq, more.get("lost", 0), None, now
    )


def test_the_same_event_counts_once() -> None:
    s = session()
    assert receive(s, [-1] * 3, seq=1).accepted == 3
    again = receive(s, [-1] * 5, seq=2)
    assert (again.accepted, again.duplicates, again.first_seq, again.ack) == (3, 2, 4, 6)
    whole = receive(s, [-1] * 2, seq=1)
    assert (whole.accepted, whole.duplicates, whole.ack) == (0, 2, 6)
    assert s.event_count == 6


def test_events_without_a_producer_are_always_new() -> None:
    s = session()
    for _ in range(3):
        assert receive(s, [-1]).accepted == 1
    assert (s.event_count, s.version) == (3, 3)


def test_a_gap_is_refused_and_folds_nothing() -> None:
    s = session()
    with pytest.raises(OutOfOrder) as refused:
        receive(s, [-1], seq=3)
    assert refused.value.extra["expect"] == 1
    assert (s.event_count, s.version) == (0, 0)
    assert receive(s, [-1], seq=3, lost=2).ack == 3


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6)), max_size=30))
def test_whatever_is_resent_each_number_counts_once(batches: list[tuple[int, int]]) -> None:
    s = session()
    known = 0
    for seq, count in batches:
        if seq > known + 1:
            with pytest.raises(OutOfOrder):
                receive(s, [-1] * count, seq=seq)
        else:
            receive(s, [-1] * count, seq=seq)
            known = max(known, seq + count - 1)
        assert s.event_count == known


def test_the_clock_measured_at_hello_is_mapped() -> None:
    s = session()
    assert s.hello("p", client_now=5_000, reports=0, now=NOW) == 0
    events = clicks(4_000, 4_500)
    s.receive(events, "p", 1, 0, None, NOW + 100)
    assert [event.at for event in events] == [NOW - 1000, NOW - 500]


def test_times_stay_between_the_last_event_and_now() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    events = clicks(NOW - 10, NOW - 500, NOW + 99_999)
    s.receive(events, "p", 1, 0, None, NOW)
    assert [event.at for event in events] == [NOW - 10, NOW - 10, NOW]


def test_a_clock_that_is_far_off_keeps_its_intervals() -> None:
    s = session()
    events = clicks(0, 1000, 3000)
    s.receive(events, None, None, 0, None, NOW)
    assert [event.at for event in events] == [NOW - 3000, NOW - 2000, NOW]


def test_a_believable_clock_is_believed() -> None:
    s = session()
    events = clicks(NOW - CLOCK_TOLERANCE_MS + 1)
    s.receive(events, None, None, 0, None, NOW)
    assert events[0].at == NOW - CLOCK_TOLERANCE_MS + 1


def test_no_session_starts_in_another_age() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    events = clicks(-(10**15))
    s.receive(events, "p", 1, 0, None, NOW)
    assert events[0].at == NOW - OLDEST_EVENT_MS


def test_the_numbering_of_many_page_loads_is_bounded() -> None:
    s = session()
    for i in range(MAX_PRODUCERS + 10):
        s.receive(clicks(-1), f"p{i}", 1, 0, None, NOW)
    assert len(s.producers) == MAX_PRODUCERS
    assert [i for i in range(MAX_PRODUCERS + 10) if not s.knows(f"p{i}")] == [*range(10)]
    assert s.producers[f"p{MAX_PRODUCERS + 9}"].ack == 1


def test_a_row_is_due_first_late_moved_or_to_be_woken_sooner() -> None:
    s = session()
    s.receive(clicks(-1), None, None, 0, None, NOW)
    assert s.row_due(NOW + 1000)
    s.row_written(NOW + 1000)
    assert not s.row_due(NOW + 1000)
    assert not s.row_due(NOW + 5000)  # woken too early is harmless
    assert not s.row_due(None)
    assert s.row_due(NOW + 999)
    s.page = "/other"
    assert s.row_due(NOW + 1000)
    s.row_written(None)
    assert s.row_due(NOW + 1000)
    s.row_written(NOW + 1000)
    s.receive(clicks(-1), None, None, 0, None, NOW + ROW_LAG_MS - 1)
    assert not s.row_due(NOW + 60_000)
    s.receive(clicks(-1), None, None, 0, None, NOW + ROW_LAG_MS)
    assert s.row_due(NOW + 60_000)


def test_only_a_session_of_many_page_loads_has_to_be_told_what_it_knew() -> None:
    s = session()
    for i in range(MAX_PRODUCERS):
        assert s.knows(f"p{i}")
        s.receive(clicks(-1), f"p{i}", 1, 0, None, NOW)
    assert s.knows("p0")
    assert not s.knows("other")
    s.remember("other", 7, 3)
    assert s.knows("other")
    assert s.receive(clicks(-1), "other", 7, 0, None, NOW).duplicates == 1
    s.remember("other", 0, 0)
    assert s.producers["other"].ack == 7


def test_hellos_alone_push_nobody_out() -> None:
    s = session()
    s.receive(clicks(-1), "first", 1, 0, None, NOW)
    for i in range(MAX_PRODUCERS + 10):
        s.hello(f"p{i}", None, 0, NOW)
    assert len(s.producers) == MAX_PRODUCERS
    assert s.receive(clicks(-1), "first", 1, 0, None, NOW).duplicates == 1
    assert f"p{MAX_PRODUCERS + 9}" in s.producers


def test_a_client_resumes_from_what_is_kept_not_from_what_is_folded() -> None:
    s = session()
    receive(s, [-1] * 3, seq=1)
    assert s.hello("p", None, 0, NOW) == 0
    s.confirm("p", 2)
    assert s.hello("p", None, 0, NOW) == 2
    s.confirm("p", 1)
    assert s.hello("p", None, 0, NOW) == 2


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=40), st.integers(0, 39))
def test_a_snapshot_goes_on_as_if_nothing_had_happened(gaps: list[int], cut: int) -> None:
    one, two = session(), session()
    now = NOW
    for index, gap in enumerate(gaps):
        now += gap
        for s in (one, two):
            s.advance(now)
            s.receive([Event("rage_click" if gap < 300 else "click", -1, "#a")], "p", index + 1, 0, None, now)
        if index == cut:
            fresh = session()
            fresh.restore(two.snapshot(), two.version)
            two = fresh
    a, b = one.reading(now), two.reading(now)
    assert a is not None
    assert b is not None
    assert (a.mood, a.scores, a.since, a.event_count) == (b.mood, b.scores, b.since, b.event_count)
    assert {p: x.ack for p, x in one.producers.items()} == {p: x.ack for p, x in two.producers.items()}


def test_who_has_no_name_has_no_number() -> None:
    s = session()
    assert s.hello(None, NOW, 0, NOW) == 0
    s.confirm("never was here", 5)
    assert s.producers == {}
    assert s.align(clicks(NOW - 500), None, None, 0, NOW) == 0
    assert s.reading(NOW) is s.ending() is None


def test_types_that_nobody_knows_are_counted_and_named() -> None:
    s = session()
    names = [f"new{n % 30}" for n in range(60)]
    outcome = s.receive([Event(name, NOW) for name in ["click", *names]], None, None, 0, None, NOW)
    assert (outcome.accepted, outcome.ignored) == (1, 60)
    assert outcome.ignored_types == tuple(names[:MAX_IGNORED_TYPES])


def test_a_row_that_lags_wakes_its_session_before_the_mood_does() -> None:
    s = session()
    receive(s, [NOW])
    mood = s.wake_at()
    assert mood is not None
    s.row_written(mood)
    s.stored_row.passed(NOW)
    assert s.wake_at() == min(mood, NOW + ROW_LAG_MS)


def test_a_snapshot_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format"):
        session().restore(b"\x97\x63\xc0\x90\xc0\xc0\xc0\x00", 1)


def test_the_page_is_the_last_one_seen_and_never_holds_more() -> None:
    s = session()
    s.receive([Event("page_view", -1, url="/cart"), Event("click", -1, "#pay")], None, None, 0, None, NOW)
    assert s.page == "/cart"


def test_sessions_wake_when_their_engine_is_due() -> None:
    sessions = Sessions()
    s = sessions.open("p", "id", NOW, publishable=False)
    assert sessions.due(NOW) == []
    receive(s, [-1])
    sessions.touch(s)
    due = s.engine.due_at() if s.engine else None
    assert due is not None
    assert sessions.due(due - SLOT_MS) == []
    assert sessions.due(due + SLOT_MS) == [s]
    assert sessions.due(due + 2000) == []
    s.advance(due + 2000)
    sessions.schedule(s)
    assert s.due_slot is not None


def test_only_unwatched_and_kept_sessions_leave_memory() -> None:
    sessions = Sessions()
    kept, pending, watched = (sessions.open("p", name, NOW, publishable=False) for name in "abc")
    pending.pending = 1
    watched.subscribers = [Silent()]
    assert sessions.idle(NOW, cap=10) == []
    assert sessions.idle(NOW + 1, cap=10) == [kept]
    assert sessions.idle(NOW, cap=2) == [kept]


class Silent:
    every = False

    def push(self, reading: object, offer: object, changed: bool) -> None: ...


def test_brief_sessions_leave_memory_early() -> None:
    sessions = Sessions()
    brief, long = (sessions.open("p", name, NOW, True) for name in ("brief", "long"))
    for one, count in ((brief, 3), (long, 50)):
        one.receive(clicks(*[NOW] * count), None, None, 0, None, NOW)
        sessions.touch(one)
    assert sessions.idle(NOW, cap=10, brief_before=NOW) == []
    assert sessions.idle(NOW, cap=10, brief_before=NOW + 1) == [brief]
    assert sessions.idle(NOW + 1, cap=10, brief_before=NOW + 1) == [brief, long]


def test_events_that_come_late_keep_their_times() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    kept = []
    for seq in range(1, 7):
        events = clicks(NOW - 60_000 + seq * 9_000)
        s.receive(events, "p", seq, 0, None, NOW)
        s.advance(NOW + seq * 100)
        kept.append(events[0].at - NOW)
    assert kept == [-51_000, -42_000, -33_000, -24_000, -15_000, -6_000]
    early = clicks(NOW - 30_000)
    s.receive(early, "p", 7, 0, None, NOW)
    assert early[0].at == NOW - 6_000


def test_a_clock_that_is_set_back_goes_on_from_when_its_events_come() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    s.receive(clicks(NOW), "p", 1, 0, None, NOW)
    later = NOW + 90_000
    kept = []
    for n in range(3):
        events = clicks(later - 3_600_000 + n * 500, later - 3_600_000 + n * 500 + 200)
        s.receive(events, "p", 2 + 2 * n, 0, None, later + n * 500 + 250)
        kept += [event.at - later for event in events]
    assert kept == [50, 250, 550, 750, 1050, 1250]


def test_a_clock_that_is_set_ahead_does_too() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    s.receive(clicks(NOW), "p", 1, 0, None, NOW)
    events = clicks(*(NOW + 7_200_000 + n * 1000 for n in range(3)))
    s.receive(events, "p", 2, 0, None, NOW + 9_000)
    assert [event.at - NOW for event in events] == [7_000, 8_000, 9_000]


def test_what_was_kept_back_is_not_taken_for_a_clock_that_was_set() -> None:
    s = session()
    s.hello("p", client_now=NOW, reports=0, now=NOW)
    kept = []
    for n in range(4):  # an hour off line, then all at once, in pieces, and the first one twice
        events = clicks(NOW + n * 900_000)
        s.receive(events, "p", n + 1, 0, None, NOW + 3_600_000)
        kept.append(events[0].at - NOW)
    s.receive(clicks(NOW), "p", 1, 0, None, NOW + 3_600_100)
    assert kept == [0, 900_000, 1_800_000, 2_700_000]
    assert s.producers["p"].offset == 0


def test_a_slow_clock_that_nobody_measured_counts_from_its_arrival() -> None:
    for late in (120_000, 590_000, 3_600_000, -5_000):
        s = session()
        events = clicks(NOW - late - 1500, NOW - late)
        s.receive(events, None, None, 0, None, NOW)
        assert [event.at - NOW for event in events] == [-1500, 0]


def test_what_came_late_first_does_not_put_the_rest_into_the_future() -> None:
    s = session()
    s.receive(clicks(NOW - 60_000), "p", 1, 0, None, NOW)
    events = clicks(NOW + 3_000, NOW + 4_000)
    s.receive(events, "p", 2, 0, None, NOW + 4_100)
    assert [event.at - NOW for event in events] == [3_100, 4_100]


def test_who_is_listened_to_stands_in_nobodys_way() -> None:
    """Twenty thousand of them, and the search for who may leave does not look at one."""
    sessions = Sessions()
    crowd = [sessions.open("p", f"watched{n}", NOW, True) for n in range(20_000)]
    listener = Silent()
    for one in crowd:
        sessions.listen(one, listener)
    idle = [sessions.open("p", f"idle{n}", NOW, True) for n in range(10)]
    assert sessions.idle(NOW, cap=20_000) == idle
    assert len(sessions._unheard) == len(idle)
    for one in idle:
        sessions.remove(one)
    sessions.leave(crowd[7], listener)
    sessions.leave(crowd[7], listener)
    assert sessions.idle(NOW + 1, cap=10**6) == [crowd[7]]
    sessions.listen(crowd[7], listener)
    assert sessions.idle(NOW + 1, cap=0) == []


def test_the_first_proposal_with_an_event_becomes_the_session() -> None:
    sessions = Sessions()
    mine, tab = sessions.propose("p", "s", NOW, "n1"), Silent()
    sessions.listen(mine, tab)
    assert sessions.propose("p", "s", NOW, "n1") is mine  # another tab with the same token
    theirs = sessions.propose("p", "s", NOW, "n2")
    assert theirs is not mine
    sessions.listen(theirs, Silent())
    assert (len(sessions), sessions.get("p", "s"), sessions.idle(NOW + 1, cap=0)) == (0, None, [])
    by_rest = Session("p", "s", NOW, DEFAULT, True, "n1")  # proposed before the first tab listened
    assert sessions.accept(by_rest) == (mine, [theirs])
    assert sessions.get("p", "s") is mine
    assert not mine.proposed
    assert sessions._proposals == {}
    sessions.leave(theirs, theirs.subscribers[0])  # type: ignore[index]
    assert sessions.get("p", "s") is mine


def test_nothing_is_left_of_proposals_that_nobody_waits_with() -> None:
    sessions = Sessions()
    for n in range(100):
        proposal, listener = sessions.propose("p", f"s{n % 10}", NOW, f"n{n}"), Silent()
        sessions.listen(proposal, listener)
        sessions.leave(proposal, listener)
    assert (len(sessions), sessions._proposals) == (0, {})


def test_who_takes_over_what_was_read_keeps_what_was_measured_here() -> None:
    here, read = session(), session()
    for name in ("measured", "not", "told elsewhere", "both"):
        here.hello(name, NOW - 500 if name in ("measured", "both") else None, 1, NOW)
    read.hello("told elsewhere", None, 1, NOW)
    read.hello("both", None, 1, NOW)
    receive(read, [NOW], seq=1)
    become(here, read)
    assert (here.event_count, here.version, here.producers["p"].ack) == (1, 1, 1)
    assert {id: known.measured for id, known in here.producers.items()} == {
        "told elsewhere": False, "both": True, "p": False, "measured": True, "not": False,
    }  # fmt: skip
    full = session()
    for index in range(MAX_PRODUCERS):
        full.hello(f"p{index}", None, 0, NOW)
    become(here, full)  # there is no room for more
    assert len(here.producers) == MAX_PRODUCERS


def test_a_clock_that_a_request_tells_of_is_believed_until_it_is_another() -> None:
    known = session().producer("p")
    known.check(500)
    known.check(500 + CLOCK_STEP_MS)  # lines are sometimes slow
    assert (known.offset, known.measured) == (500, True)
    known.check(501 + CLOCK_STEP_MS)
    assert known.offset == 501 + CLOCK_STEP_MS
