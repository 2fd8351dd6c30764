"""The Postgres storage: the contract on a real server, and what it promises beyond."""

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator

import pytest
from alembic import command

from app import errors
from app.storage import Entry, migrations
from app.storage.postgres import commit as postgres_commit
from app.storage.postgres import nodes as postgres_nodes
from app.storage.postgres import partitions, reads
from app.storage.postgres.commit import Writer
from app.storage.postgres.connection import connect
from app.storage.postgres.database import PostgresStorage
from app.storage.postgres.nodes import Node, is_served
from app.storage.postgres.rows import DAY_MS, day_of, session_id
from app.storage.queue import Group, Outcome
from tests.support.engines import Postgres
from tests.support.stored import Make, batch, change, maker, row

from .contract import *  # noqa: F403


@pytest.fixture
async def make(postgres_url: str) -> AsyncIterator[Make]:
    def build() -> PostgresStorage:
        return PostgresStorage(postgres_url, server="sole", retry_scale=0.02, day_slack_ms=0)

    async with maker(build) as make:
        yield make


async def node(url: str, server: str = "node") -> PostgresStorage:
    storage = PostgresStorage(url, server=server, retry_scale=0.02, day_slack_ms=0)
    await storage.open()
    return storage


@pytest.fixture
async def nodes(postgres_url: str) -> AsyncIterator[tuple[PostgresStorage, PostgresStorage]]:
    one, two = await node(postgres_url), await node(postgres_url)
    yield one, two
    await one.close()
    await two.close()


def cut_after(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The line breaks after so many commits were done and before anybody was told."""
    write = Writer.write
    left = times

    async def cut(writer: Writer, group: Group) -> Outcome:
        nonlocal left
        outcome = await write(writer, group)
        if left and group.entries:
            left -= 1
            raise ConnectionResetError("cut")
        return outcome

    monkeypatch.setattr(Writer, "write", cut)


class TestSeveralWriters:
    async def test_the_later_one_loses_with_all_that_hangs_on_it(
        self, nodes: tuple[PostgresStorage, PostgresStorage]
    ) -> None:
        one, two = nodes
        lost: list[dict[tuple[str, str], int]] = []
        two.tell_conflicts(lost.append)
        await one.submit(Entry(row(), batch()))
        await one.submit(Entry(row(version=2), batch(2)))
        two.submit(Entry(row("other"), batch()))
        late = Entry(row(version=2, mood="curious"), batch(2, b"[]"), [change(7)], b"late")
        await two.submit(late)
        assert lost == [{("p", "s"): 2}]
        assert [b.events for b in await one.batches("p", "s")] == [batch().events] * 2
        stored = await one.load("p", "s")
        assert stored is not None
        assert (stored.row.mood, stored.snapshot) == ("bored", None)
        assert await one.changes("p", "s") == []
        assert await one.versions([("p", "other"), ("p", "s"), ("p", "none")]) == [1, 2, 0]
        assert two.queue.conflicts == 1

    async def test_a_gap_loses_too(self, nodes: tuple[PostgresStorage, PostgresStorage]) -> None:
        one, _ = nodes
        await one.submit(Entry(row(), batch()))
        with pytest.raises(errors.SessionMoodError):
            await one.submit(Entry(None, batch(3), of=("p", "s")))
        assert await one.versions([("p", "s")]) == [1]

    async def test_entries_of_a_group_that_do_not_follow_each_other_lose(
        self, nodes: tuple[PostgresStorage, PostgresStorage]
    ) -> None:
        one, _ = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        one.submit(Entry(row(), batch()))
        one.submit(Entry(row("other"), batch()))
        one.submit(Entry(None, batch(2), of=("p", "s")))
        one.submit(Entry(None, batch(2, b"[]"), of=("p", "s")))  # folded on what another had
        one.submit(Entry(None, batch(3, b"[]"), of=("p", "s")))
        await one.submit(Entry(None, batch(2), of=("p", "other")))
        assert lost == [{("p", "s"): 2}]
        assert [(b.version, b.events) for b in await one.batches("p", "s")] == [
            (1, batch().events),
            (2, batch().events),
        ]
        assert await one.versions([("p", "s"), ("p", "other")]) == [2, 2]

    async def test_an_older_row_takes_a_session_back_to_nothing(
        self, nodes: tuple[PostgresStorage, PostgresStorage]
    ) -> None:
        one, _ = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        one.submit(Entry(row(), batch()))
        one.submit(Entry(None, batch(2), of=("p", "s")))
        one.submit(Entry(row(version=1)))  # of who had left memory
        await one.submit(Entry(None, batch(3), of=("p", "s")))
        assert lost == []
        assert await one.versions([("p", "s")]) == [3]
        await one.submit(Entry(None, batch(4), of=("p", "s")))
        assert [b.version for b in await one.batches("p", "s")] == [1, 2, 3, 4]

    async def test_what_follows_one_that_lost_is_not_written_beside_one_that_cannot_be(
        self, nodes: tuple[PostgresStorage, PostgresStorage]
    ) -> None:
        one, two = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        await two.submit(Entry(row(), batch(1, b"[]")))
        one.submit(Entry(row(), batch()))
        one.submit(Entry(None, batch(2), of=("p", "s")))  # its version would fit
        with pytest.raises(errors.SessionMoodError):
            await one.submit(Entry(row("bad", mood="x" * (1 << 20)), batch(at=1 << 63)))
        assert lost == [{("p", "s"): 1}]
        assert [b.events for b in await one.batches("p", "s")] == [b"[]"]

    async def test_one_commit_of_unknown_outcome_counts_once(
        self, nodes: tuple[PostgresStorage, PostgresStorage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, _ = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        cut_after(monkeypatch, 2)
        with pytest.raises(errors.StorageUnavailable):
            await one.submit(Entry(row(), batch(), [change()]))
        one.submit(Entry(None, batch(2), of=("p", "s")))
        one.submit(Entry(row(version=3), batch(3), [change(9)], b"state"))
        while one.queue.pending:
            with contextlib.suppress(errors.StorageUnavailable):
                await one.settled()
        assert lost == []
        assert [b.version for b in await one.batches("p", "s")] == [1, 2, 3]
        assert len(await one.changes("p", "s")) == 2

    async def test_another_may_have_gone_on_meanwhile(
        self, nodes: tuple[PostgresStorage, PostgresStorage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        cut_after(monkeypatch, 1)
        with pytest.raises(errors.StorageUnavailable):
            await one.submit(Entry(row(), batch()))
        one.submit(Entry(None, batch(2), of=("p", "s")))
        await two.submit(Entry(row(version=2), batch(2, b"[]")))
        await one.settled()
        assert lost == [{("p", "s"): 2}]
        assert [b.events for b in await one.batches("p", "s")] == [batch().events, b"[]"]

    async def test_who_had_an_erased_one_does_not_go_on_with_its_successor(
        self, nodes: tuple[PostgresStorage, PostgresStorage]
    ) -> None:
        one, two = nodes
        lost: list[dict[tuple[str, str], int]] = []
        one.tell_conflicts(lost.append)
        await one.submit(Entry(row(), batch(), incarnation=7))
        await one.submit(Entry(None, batch(2), of=("p", "s"), incarnation=7))
        assert await two.erase("p", "s")
        await two.submit(Entry(row(), batch(1, b"[]"), incarnation=9))
        await two.submit(Entry(None, batch(2, b"[]"), of=("p", "s"), incarnation=9))
        await one.submit(Entry(None, batch(3), of=("p", "s"), incarnation=7))  # its version would fit
        assert lost == [{("p", "s"): 3}]
        assert [b.events for b in await one.batches("p", "s")] == [b"[]", b"[]"]
        assert await one.batches("p", "s", incarnation=7) == []
        assert await one.versions([("p", "s")] * 3, [0, 7, 9]) == [2, 0, 2]
        stored = await one.load("p", "s")
        assert stored is not None
        assert stored.incarnation == 9

    async def test_what_is_due_is_given_to_one(self, nodes: tuple[PostgresStorage, PostgresStorage]) -> None:
        one, two = nodes
        for n in range(6):
            await one.submit(Entry(row(f"s{n}", due_at=n), batch()))
        found = await asyncio.gather(one.due(10, 3), two.due(10, 10))
        names = [name for each in found for name in each]
        assert len(names) == len(set(names))
        assert set(names) | set(await one.due(10, 10)) == {("p", f"s{n}") for n in range(6)}
        assert await one.due(10, 10) == []
        assert len(await two.due(10 + reads.CLAIM_MS, 10)) == 6


class TestServers:
    async def test_a_sole_server_is_alone(self, postgres_url: str) -> None:
        first = await node(postgres_url, "sole")
        for server in ("sole", "node"):
            with pytest.raises(errors.StorageUnavailable, match="another server runs on this database"):
                await node(postgres_url, server)
        assert await is_served(postgres_url)
        await first.close()
        assert not await is_served(postgres_url)
        await (await node(postgres_url, "sole")).close()

    async def test_one_that_went_silent_is_waited_for(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_nodes, "DEAD_SECONDS", 1.0)
        gone = Node(True)
        gone.name = "elsewhere:1"
        connection = await connect(postgres_url)
        await gone.register(connection)
        await (await node(postgres_url, "sole")).close()
        with pytest.raises(errors.StorageUnavailable, match="taken this database over"):
            first = await node(postgres_url, "sole")
            try:
                await gone.beat(connection)
            finally:
                await first.close()
                await connection.close()

    async def test_without_prepared_statements_it_is_the_same(
        self, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def pooled(_: object) -> bool:
            return False

        monkeypatch.setattr(postgres_commit, "is_direct", pooled)
        storage = await node(postgres_url)
        for version in range(1, 20):
            await storage.submit(Entry(row(version=version), batch(version), [change(version)]))
            storage.submit(Entry(row(f"s{version}"), batch()))
        await storage.settled()
        assert await storage.versions([("p", "s"), ("p", "s9")]) == [19, 1]
        await storage.close()

    async def test_a_database_of_the_first_revision_goes_on(
        self, postgres: Postgres, postgres_database: str
    ) -> None:
        config = migrations.alembic_config("postgres")
        config.output_buffer = script = io.StringIO()
        command.upgrade(config, "base:p0001", sql=True)
        url = postgres.url(postgres_database)
        connection = await connect(url)
        await connection.execute(script.getvalue())
        id = session_id("p", "s")
        await connection.execute("INSERT INTO heads (id, day, version, writer) VALUES ($1, 1, 0, 5)", id)
        await connection.close()
        storage = await node(url)
        await storage.submit(Entry(row(), batch()))
        assert await storage.versions([("p", "s")], [0]) == [1]
        await storage.close()

    async def test_several_migrate_at_once(self, postgres: Postgres, postgres_database: str) -> None:
        url = postgres.url(postgres_database)
        opened = await asyncio.gather(*(node(url) for _ in range(4)))
        assert len({each.epoch for each in opened}) == 1
        for each in opened:
            await each.close()

    async def test_tables_of_another_program_are_left_alone(
        self, postgres: Postgres, postgres_database: str
    ) -> None:
        postgres.execute("CREATE TABLE theirs (id int)", database=postgres_database)
        with pytest.raises(errors.StorageUnavailable, match="tables of another program, theirs"):
            await node(postgres.url(postgres_database))


class TestDays:
    async def test_a_day_goes_as_a_whole(self, postgres_url: str) -> None:
        storage = await node(postgres_url, "sole")
        connection = await connect(postgres_url)
        today = day_of(time.time_ns() // 1_000_000)
        begun, later = (today - 2) * DAY_MS, (today - 1) * DAY_MS
        for n in range(5):
            await storage.submit(
                Entry(row(f"s{n}", created_at=begun, last_at=begun + n), batch(), [change()], b"x")
            )
        await storage.submit(Entry(row("long", created_at=begun, last_at=later + 5), batch()))
        await storage.submit(Entry(row("new", created_at=later, last_at=later + 5), batch()))
        assert today - 2 in await partitions.existing(connection)
        storage._day_slack_ms = 2 * DAY_MS
        names = await storage.expired(later + 1, 100)
        assert len(names) == 5
        assert await storage.expire(names, later + 1) == 0  # one of that day stays: they wait for it
        storage._days = partitions.Days()
        assert await storage.expire(names, later + 6) == 6
        assert today - 2 not in await partitions.existing(connection)
        assert [r.session for r in (await storage.sessions("p")).sessions] == ["new"]
        assert await storage.load("p", "long") is None
        await storage.submit(Entry(row("again", created_at=begun), batch()))  # to the catch-all
        assert len(await storage.batches("p", "again")) == 1
        await connection.close()
        await storage.close()

    async def test_rows_that_lag_are_found(self, postgres_url: str) -> None:
        storage = await node(postgres_url, "sole")
        await storage.submit(Entry(row("old", last_at=1), batch()))
        await storage.submit(Entry(row(last_at=100_000), batch()))
        await storage.submit(Entry(None, batch(2), of=("p", "s")))
        await storage.submit(Entry(row("level", last_at=99_999), batch()))
        found = await storage.lagging(20_000)
        assert (found.names, found.after) == ([("p", "s")], None)
        await storage.close()
