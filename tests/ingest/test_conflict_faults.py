"""Two nodes on one Postgres, while storage is away or fails: who sends is told, and nothing is lost or counted twice."""

import asyncio
from typing import Any, cast

import pytest

from app import errors
from app.ingest import conflicts
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.refusals import Refusals
from tests.support.service import PROJECT, START
from tests.support.two_nodes import Listener, Node, batch, logged


@pytest.mark.parametrize(
    "error", [errors.StorageUnavailable("away"), RuntimeError("a defect")], ids=["away", "defect"]
)
async def test_a_session_that_cannot_be_read_again_is_read_once_it_can(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Who sent is told to come back, who listens hears how it reads as soon as it does."""
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    one.ingest.sessions.listen(session, Listener())
    monkeypatch.setattr(conflicts, "READ_AGAIN", 0.01)
    monkeypatch.setattr(one.ingest.loader, "reload", Refusals(one.ingest.loader.reload, error, error))
    receipt = one.ingest.receive(session, batch("a", 2), START)
    with pytest.raises(errors.StorageUnavailable):
        await receipt.durable
    assert (await one.send("s", "a", 2)).ack == 2
    assert one.ingest.sessions.get(PROJECT, "s") is session
    assert (session.stale, session.event_count) == (False, 3)
    told = [record for record in caplog.records if "could not be read again" in record.getMessage()]
    assert len(told) == (2 if isinstance(error, RuntimeError) else 0)


async def test_a_session_that_cannot_be_read_again_and_that_nobody_has_leaves_memory(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    away = errors.StorageUnavailable("away")
    monkeypatch.setattr(one.ingest.loader, "reload", Refusals(one.ingest.loader.reload, away))
    with pytest.raises(errors.StorageUnavailable):
        await one.ingest.receive(session, batch("a", 2), START).durable
    assert one.ingest.sessions.get(PROJECT, "s") is None
    assert (await one.send("s", "a", 2)).ack == 2
    assert (await one.session("s")).event_count == 3


async def test_what_is_missing_cannot_be_looked_for_while_storage_is_away(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    await two.send("s", "a", 2)
    away = errors.StorageUnavailable("away")
    monkeypatch.setattr(one.store, "versions", Refusals(one.store.versions, away))
    with pytest.raises(errors.StorageUnavailable):
        await one.ingest.receive(session, batch("a", 3), START).durable
    assert not session.stale
    await one.ingest.receive(session, batch("a", 3), START).durable
    assert session.event_count == 3


async def test_a_refresh_that_fails_is_told(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    await two.send("s", "a", 2)
    away = errors.StorageUnavailable("away")
    monkeypatch.setattr(one.store, "versions", Refusals(one.store.versions, away))
    with pytest.raises(errors.StorageUnavailable):
        await one.ingest.conflicts.refresh(session)
    await one.ingest.conflicts.refresh(session)
    assert session.event_count == 2


async def test_who_left_memory_with_a_batch_that_loses_is_told_to_come_back(nodes: list[Node]) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    left = await one.session("s")
    receipt = one.ingest.receive(left, batch("a", 2), START)
    one.ingest.sessions.remove(left)
    with pytest.raises(errors.StorageUnavailable, match="another server was first"):
        await receipt.durable
    assert (await one.send("s", "a", 2)).ack == 2
    assert (await one.session("s")).event_count == 3


def interrupted(write: Any, often: int) -> Any:
    """As `write`, after so many lines that were cut."""
    left = [ConnectionResetError("away")] * often

    async def cut(writer: Any, group: Any) -> Any:
        if left:
            raise left.pop()
        return await write(writer, group)

    return cut


@pytest.mark.parametrize("often", [1, 2])
async def test_a_batch_that_was_interrupted_is_stored_later_and_pushed_then(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch, often: int
) -> None:
    """Its sender is told to come back; who listens hears of it once it is stored, and it counts once."""
    one, _ = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    listener = Listener()
    listener.every = True
    pushed = asyncio.Event()
    monkeypatch.setattr(listener, "push", lambda *_: pushed.set())
    one.ingest.sessions.listen(session, listener)
    writer = one.store._writer
    assert writer is not None
    monkeypatch.setattr(type(writer), "write", interrupted(type(writer).write, often))
    refused = one.ingest.receive(session, batch("a", 2), START)
    with pytest.raises(errors.StorageUnavailable):
        await refused.durable
    assert not pushed.is_set()
    async with asyncio.timeout(20):
        await pushed.wait()
    again = await one.send("s", "a", 2)
    assert (again.accepted, again.duplicates) == (0, 1)
    assert [row.last_seq for row in await logged(one, "s")] == [1, 2]


async def test_an_interrupted_batch_that_loses_at_last_is_not_pushed(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    writer = one.store._writer
    assert writer is not None
    monkeypatch.setattr(writer, "write", Refusals(writer.write, ConnectionResetError("away")))
    refused = one.ingest.receive(session, batch("a", 2), START)
    sent = asyncio.ensure_future(two.send("s", "b", 1))
    with pytest.raises(errors.StorageUnavailable):
        await refused.durable
    await sent
    await one.send("s", "a", 2)
    assert sorted((row.producer, row.last_seq) for row in await logged(one, "s")) == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
    ]
    assert (await one.session("s")).event_count == 3


async def test_what_time_brought_is_pushed_once_it_is_stored_however_often_that_fails(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = nodes
    await one.send("s", "a", 1, 3)
    session, listener = await one.session("s"), Listener()
    told: list[Session] = []
    one.ingest.persister.on_news = told.append
    one.ingest.sessions.listen(session, listener)
    writer = one.store._writer
    assert writer is not None
    monkeypatch.setattr(type(writer), "write", interrupted(type(writer).write, 2))
    clock = cast(Clock, one.ingest.clock)
    while not session.pending:
        clock.now += 1000
        one.ingest.pass_time(session, clock())
    assert listener.told == []
    async with asyncio.timeout(20):
        while session.pending or not listener.told:
            await asyncio.sleep(0.005)
    changes = await one.store.changes(PROJECT, "s")
    assert listener.told == [(changes[-1].at, changes[-1].mood)]
    assert told == [session]  # the other nodes hear of it once


async def test_what_no_database_would_take_is_refused_and_the_rest_goes_on(nodes: list[Node]) -> None:
    one, _ = nodes
    await one.send("s", "a", 1)
    told: list[Session] = []
    session = await one.session("s")
    version, session.version = session.version, 2**63  # a number that there is no room for
    one.ingest.persister.on_news = told.append
    refused = one.ingest.receive(session, batch("a", 2), START)
    beside = one.ingest.receive(await one.session("other"), batch("b", 1), START)
    with pytest.raises(errors.SessionMoodError):
        await refused.durable
    await beside.durable
    session.version = version
    one.ingest.sessions.remove(session)
    assert told == [await one.session("other")]
    assert (await one.send("s", "a", 2)).ack == 2
    assert [row.last_seq for row in await logged(one, "s")] == [1, 2]


async def test_a_defect_at_the_second_fold_is_told_to_its_sender_alone(
    nodes: list[Node], caplog: pytest.LogCaptureFixture
) -> None:
    class Defect:
        folds = 0

        def receive(self, event: object, engine: object) -> None:
            self.folds += 1
            if self.folds == 2:
                raise ZeroDivisionError

        def advance(self, now: int, engine: object) -> None: ...

    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    session.observer = Defect()
    refused = one.ingest.receive(session, batch("a", 2), START)
    with pytest.raises(errors.SessionMoodError, match="our fault"):
        await refused.durable
    assert [vars(record)["session"] for record in caplog.records] == ["s"]
    assert (await two.send("s", "b", 2)).ack == 2


async def test_a_session_that_is_read_again_is_not_stored_meanwhile(nodes: list[Node]) -> None:
    one, _ = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    session.stale = True
    with pytest.raises(errors.StorageUnavailable, match="read again"):
        one.ingest.persist(session, None, [])
    one.ingest.pass_time(session, START + 3_600_000)
    assert not one.store.queue.pending
