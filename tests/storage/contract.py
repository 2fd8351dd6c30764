"""What every storage must do. A module puts its storage under it by a `make` fixture and
`from .contract import *`."""

import asyncio
from collections.abc import Callable

import pytest

from app import errors
from app.storage import (
    ElementRow,
    Entry,
    HistoryRow,
    Key,
    ProducerState,
    SessionRow,
    Traits,
)
from tests.support.stored import Make, batch, change, entry, row

__all__ = [  # the tests; pytest collects what is imported
    "TestElements",
    "TestEntries",
    "TestErasure",
    "TestKeysAndSecrets",
    "TestLists",
    "TestLoad",
]


class TestEntries:
    async def test_what_was_submitted_together_is_one_commit(self, make: Make) -> None:
        storage = await make()
        futures = {storage.submit(entry(f"s{n}")) for n in range(100)}
        assert len(futures) == 1
        await futures.pop()
        for n in range(100):
            assert await storage.row("p", f"s{n}") == row(f"s{n}")

    async def test_a_time_driven_step_needs_no_batch(self, make: Make) -> None:
        storage = await make()
        await storage.submit(entry())
        later = row(mood="frustrated", due_at=9_000)
        await storage.submit(Entry(later, changes=[change(5_000, "frustrated")]))
        stored = await storage.load("p", "s")
        assert stored is not None
        assert stored.row == later
        assert stored.batches == [batch(1)]
        assert await storage.changes("p", "s") == [change(5_000, "frustrated")]

    async def test_a_change_replayed_is_kept_once(self, make: Make) -> None:
        storage = await make()
        await storage.submit(Entry(row(), batch(), [change(7), change(8, "curious", page=None)]))
        await storage.submit(Entry(row(version=2), batch(2), [change(7), change(9)]))
        assert [(c.at, c.mood) for c in await storage.changes("p", "s")] == [
            (7, "bored"),
            (8, "curious"),
            (9, "bored"),
        ]
        assert await storage.changes("p", "s", limit=1) == [change(7)]

    async def test_settled_covers_everything_before_it(self, make: Make) -> None:
        storage = await make()
        await storage.settled()
        storage.submit(entry())
        await storage.settled()
        assert await storage.row("p", "s") == row()

    async def test_a_cancelled_wait_stops_nobody_else(self, make: Make) -> None:
        storage = await make()

        async def wait(future: "asyncio.Future[None]") -> None:
            await future

        future = storage.submit(entry())
        impatient, patient = asyncio.create_task(wait(future)), asyncio.create_task(wait(future))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert await storage.row("p", "s") == row()

    async def test_close_writes_what_is_queued(self, make: Make) -> None:
        storage = await make()
        for version in range(1, 200):
            storage.submit(entry(version=version))
        await storage.close()
        await storage.close()
        with pytest.raises(errors.StorageUnavailable):
            storage.submit(entry())
        again = await make()
        assert [b.version for b in await again.batches("p", "s")] == list(range(1, 200))

    async def test_how_far_a_page_load_came_is_found_in_the_log(self, make: Make) -> None:
        storage = await make()
        for version, producer, last_seq, reports in ((1, "one", 7, 3), (2, "two", 1, 0), (3, "one", 9, 1)):
            storage.submit(
                Entry(
                    row(version=version),
                    batch(version, producer=producer, last_seq=last_seq, reports=reports),
                )
            )
        await storage.settled()
        storage = await make()
        assert await storage.producer_state("p", "s", "one") == ProducerState("one", 9, 1)
        assert await storage.producer_state("p", "s", "two") == ProducerState("two", 1, 0)
        assert await storage.producer_state("p", "s", "three") is None
        assert await storage.producer_state("q", "s", "one") is None

    async def test_a_log_goes_on_without_its_row_being_written(self, make: Make) -> None:
        storage = await make()
        await storage.submit(Entry(row(), batch()))
        for version in range(2, 40):
            storage.submit(Entry(None, batch(version), of=("p", "s")))
        await storage.submit(Entry(None, batch(40), [change(5)], of=("p", "s")))
        storage = await make()
        assert await storage.row("p", "s") == row()
        stored = await storage.load("p", "s")
        assert stored is not None
        assert [each.version for each in stored.batches] == list(range(1, 41))
        assert await storage.changes("p", "s") == [change(5)]

    async def test_a_log_without_a_session_is_refused(self, make: Make) -> None:
        storage = await make()
        with pytest.raises(errors.SessionMoodError):
            await storage.submit(Entry(None, batch(), of=("p", "nobody")))
        assert await storage.batches("p", "nobody") == []
        await storage.submit(entry())


class TestLoad:
    async def test_unknown(self, make: Make) -> None:
        storage = await make()
        assert await storage.load("p", "s") is None
        assert await storage.row("p", "s") is None
        assert await storage.batches("p", "s") == []
        assert await storage.changes("p", "s") == []

    async def test_snapshot_and_the_batches_after_it(self, make: Make) -> None:
        storage = await make()
        for version in range(1, 8):
            await storage.submit(
                Entry(
                    row(version=version),
                    batch(version),
                    snapshot=b"at %d" % version if version in (2, 5) else None,
                )
            )
        storage = await make()
        stored = await storage.load("p", "s")
        assert stored is not None
        assert stored.row == row(version=7)
        assert (stored.snapshot, stored.snapshot_version) == (b"at 5", 5)
        assert stored.batches == [batch(6), batch(7)]
        assert await storage.batches("p", "s", after=1, limit=3) == [batch(2), batch(3), batch(4)]

    async def test_every_field_comes_back(self, make: Make) -> None:
        storage = await make()
        odd = batch(1, bytes(range(256)), producer=None, first_seq=None, last_seq=None, reports=2**40)
        whole = row(page=None, due_at=2**45, publishable=True, confidence=0.1 + 0.2, mood="curious")
        await storage.submit(Entry(whole, odd))
        stored = await storage.load("p", "s")
        assert stored is not None
        assert stored.row == whole
        assert stored.batches == [odd]

    async def test_projects_are_apart(self, make: Make) -> None:
        storage = await make()
        storage.submit(Entry(row(project="a", mood="bored"), batch(events=b"[1]"), [change()], b"a"))
        await storage.submit(Entry(row(project="b", mood="curious"), batch(events=b"[2]")))
        a, b = await storage.load("a", "s"), await storage.load("b", "s")
        assert a is not None
        assert b is not None
        assert (a.row.mood, a.snapshot, a.batches) == ("bored", b"a", [])
        assert (b.row.mood, b.snapshot, b.batches[0].events) == ("curious", None, b"[2]")
        assert await storage.changes("b", "s") == []
        assert [r.session for r in (await storage.sessions("a")).sessions] == ["s"]
        assert await storage.erase("a", "s")
        assert await storage.load("b", "s") == b


class TestLists:
    async def test_due_is_most_overdue_first(self, make: Make) -> None:
        storage = await make()
        for session, due_at in {"a": 30, "b": 10, "c": None, "d": 20, "e": 31}.items():
            await storage.submit(Entry(row(session, due_at=due_at), batch()))
        assert await storage.due(30, 10) == [("p", "b"), ("p", "d"), ("p", "a")]
        assert await storage.due(30, 2) == [("p", "b"), ("p", "d")]
        assert await storage.due(9, 10) == []

    async def test_pages_cover_everything_once_newest_first(self, make: Make) -> None:
        storage = await make()
        # Many share a millisecond.
        rows = [row(f"s{n:02}", last_at=1_000 + n // 7) for n in range(40)]
        for each in rows:
            storage.submit(Entry(each, batch()))
        await storage.submit(Entry(row("other", project="q"), batch()))
        seen: list[SessionRow] = []
        cursor = None
        while True:
            page = await storage.sessions("p", limit=6, cursor=cursor)
            seen += page.sessions
            cursor = page.cursor
            if cursor is None:
                break
        assert [r.last_at for r in seen] == sorted((r.last_at for r in rows), reverse=True)
        assert {r.session for r in seen} == {r.session for r in rows}
        assert len(seen) == len(rows)

    async def test_filters(self, make: Make) -> None:
        storage = await make()
        for n in range(60):
            await storage.submit(
                Entry(
                    row(
                        f"s{n}",
                        traits=n % 3 | (n % 5) << 3,
                        page=["/", "/pay"][n % 2],
                        last_at=n,
                    ),
                    batch(),
                )
            )

        async def listed(**filters: object) -> list[int]:
            found: list[int] = []
            cursor = None
            while True:
                page = await storage.sessions("p", limit=4, cursor=cursor, **filters)  # type: ignore[arg-type]
                found += [int(r.session[1:]) for r in page.sessions]
                cursor = page.cursor
                if cursor is None:
                    return found

        def expected(keep: Callable[[int], bool]) -> list[int]:
            return [n for n in reversed(range(60)) if keep(n)]

        one = Traits(7, (1,))
        assert await listed(traits=one) == expected(lambda n: n % 3 == 1)
        assert await listed(traits=Traits(0b11000, (0b01000, 0b10000))) == expected(lambda n: n % 5 in (1, 2))
        assert await listed(traits=Traits(0b1111, (0b1001, 0b0010))) == expected(
            lambda n: (n % 3, n % 5 & 1) in ((1, 1), (2, 0))
        )
        assert await listed(since=20, before=33) == expected(lambda n: 20 <= n < 33)
        assert await listed(traits=one, since=20, before=33, quiet_since=30) == expected(
            lambda n: n % 3 == 1 and 20 <= n < 30
        )
        assert await listed(page="/pay") == expected(lambda n: n % 2 == 1)
        assert await listed(active_since=50) == expected(lambda n: n >= 50)
        assert await listed(quiet_since=50) == expected(lambda n: n < 50)
        assert await listed(traits=one, page="/pay", active_since=10) == expected(
            lambda n: n % 6 == 1 and n >= 10
        )
        assert await listed(traits=Traits(7, (5,))) == []
        assert await listed(page="/p") == []

    async def test_a_cursor_outlives_its_session(self, make: Make) -> None:
        storage = await make()
        for n in range(6):
            await storage.submit(Entry(row(f"s{n}", last_at=n), batch()))
        first = await storage.sessions("p", limit=3)
        await storage.erase("p", "s3")
        second = await storage.sessions("p", limit=3, cursor=first.cursor)
        assert [r.session for r in second.sessions] == ["s2", "s1", "s0"]

    async def test_a_cursor_that_is_not_ours_is_refused(self, make: Make) -> None:
        storage = await make()
        for n in range(6):
            await storage.submit(Entry(row(f"s{n}", mood="bored"), batch()))
            await storage.submit(Entry(row(f"s{n}", project="q"), batch()))
        cursor = (await storage.sessions("p", limit=3)).cursor
        assert cursor is not None
        forged = [
            cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :] for i in range(len(cursor) - 1)
        ]
        for wrong in ["", "x", "é", "a" * 1000, cursor[:-2], *forged]:
            with pytest.raises(errors.BadRequest):
                await storage.sessions("p", limit=3, cursor=wrong)
        with pytest.raises(errors.BadRequest):
            await storage.sessions("q", limit=3, cursor=cursor)
        with pytest.raises(errors.BadRequest):
            await storage.sessions("p", traits=Traits(7, (2,)), limit=3, cursor=cursor)
        with pytest.raises(errors.BadRequest):
            await storage.sessions("p", since=1, limit=3, cursor=cursor)

    async def test_lists_and_loads_have_the_history(self, make: Make) -> None:
        storage = await make()
        first = HistoryRow("bored", 0.5, 1_001, None, b"{}", b"[]")
        second = HistoryRow("frustrated", 0.9, 1_002, "/pay", b'{"because":[]}', b'[{"id":"h1"}]')
        storage.submit(Entry(row(), batch(), history=first))
        storage.submit(Entry(row(version=2), batch(2), history=second))
        await storage.submit(Entry(row(version=3), batch(3)))
        await storage.submit(Entry(row("other", last_at=1), batch()))
        page = await storage.sessions("p")
        assert [r.session for r in page.sessions] == ["s", "other"]
        assert page.histories == [second, None]
        stored = await storage.load("p", "s")
        assert stored is not None
        assert stored.history == second
        await storage.submit(Entry(row(version=4), batch(4), history=first))
        assert (await storage.sessions("p", traits=Traits(7, (2,)))).histories == [first, None]
        assert await storage.erase("p", "s")
        assert (await storage.sessions("p")).histories == [None]
        await storage.submit(Entry(row(), batch()))
        again = await storage.load("p", "s")
        assert again is not None
        assert again.history is None


class TestErasure:
    async def test_erase(self, make: Make) -> None:
        storage = await make()
        await storage.submit(Entry(row(), batch(producer="one"), [change()], b"state"))
        assert await storage.erase("p", "s")
        assert not await storage.erase("p", "s")
        assert await storage.load("p", "s") is None
        assert await storage.changes("p", "s") == []
        await storage.submit(entry())
        assert await storage.producer_state("p", "s", "one") is None

    async def test_what_is_queued_before_goes_and_what_comes_after_stays(self, make: Make) -> None:
        storage = await make()
        for version in range(1, 30):
            storage.submit(entry(version=version))
        erasing = asyncio.create_task(storage.erase("p", "s"))
        await asyncio.sleep(0)
        fresh = storage.submit(Entry(row(version=1, mood="curious"), batch(events=b"[]")))
        assert await erasing
        await fresh
        stored = await storage.load("p", "s")
        assert stored is not None
        assert stored.row.mood == "curious"
        assert [b.events for b in stored.batches] == [b"[]"]
        assert stored.snapshot is None

    async def test_expire_takes_the_inactive_of_all_projects(self, make: Make) -> None:
        storage = await make()
        for n in range(20):
            await storage.submit(
                Entry(row(f"s{n}", project="pqr"[n % 3], last_at=n), batch(), [change()], b"x")
            )
        assert await storage.newest() == 19
        old = await storage.expired(10, 4)
        assert len(old) == 4
        assert await storage.expire(old, 10) == 4
        old = await storage.expired(10, 100)
        assert await storage.expire([*old, ("p", "s18"), ("p", "unknown")], 10) == 6
        assert await storage.expired(10, 100) == []
        left = [r for p in "pqr" for r in (await storage.sessions(p)).sessions]
        assert sorted(r.last_at for r in left) == list(range(10, 20))

    async def test_activity_that_is_still_queued_saves_a_session(self, make: Make) -> None:
        storage = await make()
        await storage.submit(Entry(row(last_at=5), batch()))
        old = await storage.expired(10, 100)
        storage.submit(Entry(row(version=2, last_at=50), batch(2)))
        assert old == [("p", "s")]
        assert await storage.expire(old, 10) == 0


def learned(target: str, at: int, visitors: float = 3.5) -> ElementRow:
    return ElementRow("p", target, at, visitors, 8.25, 2.0, 5.0, 0.125, 900.0)


class TestElements:
    async def test_what_was_learned_is_replaced_and_read_longest_unused_first(self, make: Make) -> None:
        storage = await make()
        await storage.store_elements([learned("#a", 30), learned("#b", 10), learned("#c", 20)], 0)
        await storage.store_elements([learned("#b", 40, 4.5)], 0)
        storage = await make()
        assert await storage.elements(10) == [learned("#c", 20), learned("#a", 30), learned("#b", 40, 4.5)]
        assert await storage.elements(2) == [learned("#a", 30), learned("#b", 40, 4.5)]

    async def test_what_nobody_used_for_long_is_forgotten(self, make: Make) -> None:
        storage = await make()
        await storage.store_elements([learned("#a", 30), learned("#b", 10)], 0)
        await storage.store_elements([], 30)
        assert await storage.elements(10) == [learned("#a", 30)]


class TestKeysAndSecrets:
    async def test_a_secret_is_made_once(self, make: Make) -> None:
        storage = await make()
        made = await asyncio.gather(*(storage.secret("token") for _ in range(5)))
        assert len(set(made)) == 1
        assert len(made[0]) == 32
        assert await storage.secret("other") != made[0]
        storage = await make()
        assert await storage.secret("token") == made[0]

    async def test_keys(self, make: Make) -> None:
        storage = await make()
        secret = Key("k1", "p", "sk", b"\x00\xff" * 16, "server", 1_000)
        public = Key("k2", "q", "pk", b"\x01" * 32, "web", 2_000, None, ("https://a.example",), 5_000, 12.5)
        await storage.add_key(secret)
        await storage.add_key(public)
        with pytest.raises(errors.BadRequest):
            await storage.add_key(Key("k1", "p", "sk", b"\x02" * 32, "again", 3_000))
        assert await storage.keys() == [secret, public]
        revoked = await storage.revoke_key("k2", 3_000)
        assert revoked is not None
        assert revoked.revoked_at == 3_000
        assert await storage.revoke_key("k2", 4_000) == revoked
        assert await storage.revoke_key("k3", 4_000) is None
        storage = await make()
        assert await storage.keys() == [secret, revoked]

    async def test_a_session_counts_once_for_its_key_and_month(self, make: Make) -> None:
        storage = await make()
        assert await storage.count_session("k1", "2026-11", "a") == 1
        assert await storage.count_session("k1", "2026-11", "b") == 2
        assert await storage.count_session("k1", "2026-11", "a") == 2
        assert await storage.count_session("k2", "2026-11", "a") == 1
        assert await storage.count_session("k1", "2026-12", "a") == 1
        storage = await make()
        assert await storage.count_session("k1", "2026-12", "a") == 1

    async def test_past_the_limit_nothing_is_counted(self, make: Make) -> None:
        storage = await make()
        assert [await storage.count_session("k1", "2026-11", s, 2) for s in "abcda"] == [1, 2, 3, 3, 2]
        assert await storage.count_session("k1", "2026-11", "c", 4) == 3
        assert await storage.count_session("k1", "2026-12", "c", 2) == 1

    async def test_an_erased_session_stays_counted(self, make: Make) -> None:
        storage = await make()
        await storage.add_key(Key("k1", "p", "sk", b"\x00" * 32, "", 1))
        await storage.submit(entry("a"))
        await storage.count_session("k1", "2026-11", "a")
        await storage.erase("p", "a")
        assert await storage.count_session("k1", "2026-11", "b") == 2

    async def test_check_passes_when_all_is_well(self, make: Make) -> None:
        storage = await make()
        await storage.check()
        await storage.close()
        with pytest.raises(errors.StorageUnavailable):
            await storage.check()
