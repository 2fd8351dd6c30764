"""Two nodes on one Postgres that write to the same sessions at once: every batch counts once, and all read the same."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from app import errors, protocol
from app.ingest import conflicts
from app.ingest.receive import Ingest
from app.mood import Offer, Reading
from app.protocol.batches import Batch, WireEvent
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage.postgres.database import PostgresStorage
from tests.support.clock import Clock
from tests.support.service import PROJECT, START


class Listener:
    """Notes what it is told."""

    every = False

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        if changed:
            self.told.append((reading.since, reading.mood))


class Node:
    def __init__(self, url: str, clock: Clock) -> None:
        self.store = PostgresStorage(url, server="node", retry_scale=0.02)
        self.ingest = Ingest(Sessions(), self.store, clock)

    async def session(self, id: str) -> Session:
        found = await self.ingest.find(PROJECT, id)
        if found is not None:
            return found
        return self.ingest.sessions.get(PROJECT, id) or self.ingest.open(
            PROJECT, id, self.ingest.clock(), publishable=False
        )

    async def send(self, id: str, producer: str | None, seq: int | None, count: int = 1) -> Any:
        """As a client does: again after a nack. The outcome."""
        while True:
            sent = batch(producer, seq, count)
            try:
                receipt = await self.ingest.receive_in_parts(
                    await self.session(id), sent, self.ingest.clock()
                )
                await receipt.durable
            except errors.StorageUnavailable:
                await asyncio.sleep(0.01)
            else:
                return receipt.outcome


def batch(producer: str | None, seq: int | None, count: int = 1) -> Batch:
    events = [WireEvent(type="click", target="#pay") for _ in range(count)]
    return Batch(events=events, producer=producer, seq=seq)


@pytest.fixture
async def nodes(postgres_url: str) -> AsyncIterator[list[Node]]:
    clock = Clock(START)
    made = [Node(postgres_url, clock) for _ in range(2)]
    async with contextlib.AsyncExitStack() as stack:
        for node in made:
            await node.store.open()
            stack.push_async_callback(node.store.close)
            node.store.tell_conflicts(node.ingest.conflicts.tell)
        yield made


async def logged(node: Node, id: str) -> list[Any]:
    return await node.store.batches(PROJECT, id, limit=100_000)


async def test_the_later_one_reads_what_came_and_folds_again(nodes: list[Node]) -> None:
    one, two = nodes
    assert (await one.send("s", "a", 1, 3)).accepted == 3
    assert (await two.send("s", "b", 1, 2)).accepted == 2
    assert two.ingest.conflicts.count == 0  # it was read with the first batch
    outcome = await one.send("s", "a", 4, 4)
    assert (outcome.accepted, outcome.ack) == (4, 7)
    assert one.ingest.conflicts.count == 1
    rows = await logged(one, "s")
    assert [(row.version, row.producer, row.first_seq, row.last_seq) for row in rows] == [
        (1, "a", 1, 3),
        (2, "b", 1, 2),
        (3, "a", 4, 7),
    ]
    session = one.ingest.sessions.get(PROJECT, "s")
    assert session is not None
    assert session.event_count == 9
    assert one.ingest.counters.events == 7


async def test_what_came_of_help_counts_once_however_often_it_is_folded(nodes: list[Node]) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    told = Batch(events=[WireEvent(type="help", kind="shown"), WireEvent(type="click")], producer="a", seq=2)
    receipt = one.ingest.receive(await one.session("s"), told, START)
    await receipt.durable
    assert receipt.again
    assert one.ingest.counters.help == {"shown": 1}


async def test_what_was_queued_behind_loses_too_though_its_version_would_fit(nodes: list[Node]) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    for seq in (2, 3, 4):
        await two.send("s", "b", seq)
    session = await one.session("s")
    receipts = []
    for seq in range(2, 8):  # several groups: what is submitted while one is written is another
        receipts.append(one.ingest.receive(session, batch("a", seq), START))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*(asyncio.wait_for(asyncio.shield(r.durable), 20) for r in receipts))
    rows = await logged(one, "s")
    assert [row.version for row in rows] == list(range(1, 12))
    assert [(r.producer, r.last_seq) for r in rows if r.producer == "a"] == [("a", n) for n in range(1, 8)]
    assert session.event_count == 11


async def test_a_resend_counts_once_whoever_takes_it(nodes: list[Node]) -> None:
    one, two = nodes
    for seq in range(1, 30):
        sender, other = (one, two) if seq % 2 else (two, one)
        first, again = await asyncio.gather(sender.send("s", "a", seq), other.send("s", "a", seq))
        assert first.accepted + again.accepted == 1
    assert sum(row.count for row in await logged(one, "s")) == 29


async def test_a_session_that_another_node_erased_ends(nodes: list[Node]) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    gone: list[Session] = []
    one.ingest.conflicts.on_gone = lambda session, error: gone.append(session)
    assert await two.ingest.erase(PROJECT, "s")
    session = one.ingest.sessions.get(PROJECT, "s")
    assert session is not None
    receipt = one.ingest.receive(session, batch("a", 2), START)
    with pytest.raises(errors.Revoked):
        await receipt.durable
    assert gone == [session]
    assert await one.store.load(PROJECT, "s") is None
    assert (await one.send("s", "a", 1)).accepted == 1  # another session of the same name


async def _erased_elsewhere(nodes: list[Node]) -> Session:
    """The session as the second node knows it, three rows long, which the first has erased meanwhile."""
    one, two = nodes
    for seq in range(1, 4):
        await one.send("s", "a", seq)
    known = await two.session("s")
    assert known.version == 3
    await one.ingest.erase(PROJECT, "s")
    return known


async def test_nothing_is_read_of_a_session_that_another_node_erased(nodes: list[Node]) -> None:
    _, two = nodes
    known = await _erased_elsewhere(nodes)
    await two.ingest.freshen(known)
    assert known.erased
    assert await two.ingest.find(PROJECT, "s") is None


@pytest.mark.parametrize("more", [2, 3, 4])
@pytest.mark.parametrize("reads", [True, False])
async def test_a_successor_has_nothing_of_who_was_erased(nodes: list[Node], more: int, reads: bool) -> None:
    one, two = nodes
    known = await _erased_elsewhere(nodes)
    for seq in range(1, more + 1):  # fewer than the erased one had, as many, more
        await one.send("s", "b", 2 * seq - 1, 2)
    if reads:
        await two.ingest.freshen(known)
        assert known.erased
    assert (await two.send("s", "c", 1)).accepted == 1
    session = await two.session("s")
    assert session.event_count == 2 * more + 1
    assert {id for id, producer in session.producers.items() if producer.ack} == {"b", "c"}
    assert sum(row.count for row in await logged(two, "s")) == 2 * more + 1


async def test_a_session_that_was_opened_without_an_event_goes_on_anywhere(nodes: list[Node]) -> None:
    one, two = nodes
    opened = await one.session("s")
    await one.ingest.persist(opened, None, [])
    known = await two.session("s")
    cast(Clock, one.ingest.clock).now += 1_000
    assert (await two.send("s", "a", 1)).ack == 1
    await one.ingest.freshen(opened)
    assert (opened.erased, opened.event_count, opened.created_at) == (False, 1, known.created_at)
    assert (await one.send("s", "a", 2)).ack == 2
    await two.ingest.freshen(known)
    assert (known.erased, known.event_count) == (False, 2)


async def test_a_session_that_began_with_a_loss_goes_on_anywhere(nodes: list[Node]) -> None:
    one, two = nodes
    session = await one.session("s")
    receipt = one.ingest.receive(session, Batch(events=[], producer="a", seq=4, lost=3), one.ingest.clock())
    await receipt.durable
    known = await two.session("s")
    cast(Clock, one.ingest.clock).now += 1_000
    assert (await two.send("s", "a", 4)).ack == 4
    assert (await one.send("s", "a", 5)).ack == 5
    await two.ingest.freshen(known)
    assert (known.erased, known.event_count, two.ingest.conflicts.count) == (False, 2, 0)


async def test_nobody_is_told_of_a_fold_that_lost(nodes: list[Node]) -> None:
    one, two = nodes
    listeners = []
    for node in nodes:
        session = await node.session("s")
        listeners.append(Listener())
        node.ingest.sessions.listen(session, listeners[-1])
    assert isinstance(one.ingest.clock, Clock)
    for seq in range(1, 40):
        one.ingest.clock.now += 400
        await asyncio.gather(one.send("s", "a", seq), two.send("s", "b", seq))
    changes = {(c.at, c.mood) for c in await one.store.changes(PROJECT, "s")}
    assert changes
    for listener in listeners:
        assert set(listener.told) <= changes


async def test_too_many_tries_are_told(nodes: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    seq = 2
    reload = one.ingest.loader.reload

    async def too_late(session: Session) -> bool:
        """Another node writes again before this one gets to."""
        nonlocal seq
        found = await reload(session)
        await two.send("s", "b", seq)
        seq += 1
        return found

    monkeypatch.setattr(one.ingest.loader, "reload", too_late)
    receipt = one.ingest.receive(session, batch("a", 2), START)
    with pytest.raises(errors.StorageUnavailable, match="all the time"):
        await receipt.durable
    assert one.ingest.conflicts.given_up == 1
    assert seq == 2 + conflicts.MAX_TRIES + 1
    monkeypatch.undo()
    assert (await one.send("s", "a", 2)).accepted == 1
    assert sum(row.count for row in await logged(one, "s")) == 1 + 1 + conflicts.MAX_TRIES + 1 + 1


async def test_what_was_stored_while_it_was_looked_for_is_found(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    is_behind = one.ingest.others.is_behind

    async def just_before(session: Session) -> bool:
        """What is missing is stored when this node has just looked."""
        found = await is_behind(session)
        if not found:
            await two.send("s", "a", 2)
        return found

    monkeypatch.setattr(one.ingest.others, "is_behind", just_before)
    await one.ingest.receive(session, batch("a", 3), START).durable
    assert [row.last_seq for row in await logged(one, "s")] == [1, 2, 3]
    with pytest.raises(errors.OutOfOrder):
        await one.ingest.receive(session, batch("a", 5), START).durable


async def test_a_refresh_does_not_go_by_a_reading_that_had_begun(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    reload, begun, go_on = one.ingest.loader.reload, asyncio.Event(), asyncio.Event()

    async def slow(session: Session) -> bool:
        found = await reload(session)
        begun.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(one.ingest.loader, "reload", slow)
    sent = one.ingest.receive(session, batch("a", 2), START)  # loses, and has the session read
    await begun.wait()
    await two.send("s", "b", 2)
    refreshed = asyncio.create_task(one.ingest.conflicts.refresh(session))
    await asyncio.sleep(0)
    go_on.set()
    await refreshed
    assert session.producers["b"].ack == 2
    await sent.durable


async def test_nothing_is_told_of_time_that_may_still_lose(nodes: list[Node]) -> None:
    one, two = nodes
    await one.send("s", "a", 1, 3)
    await two.session("s")
    await two.send("s", "a", 4, 5)
    session = await one.session("s")
    assert isinstance(one.ingest.clock, Clock)
    moods = set()
    for _ in range(300):
        one.ingest.clock.now += 1000
        await one.ingest.freshen(session)
        reading = one.ingest.reading(session, one.ingest.clock())
        assert session.pending == 0
        assert reading is not None
        assert reading.event_count == 8
        moods.add((reading.since, reading.mood))
    assert len(moods) > 1
    assert moods <= {(change.at, change.mood) for change in await two.store.changes(PROJECT, "s")}


async def test_who_is_read_does_not_take_the_place_of_who_was_opened_meanwhile(nodes: list[Node]) -> None:
    one, two = nodes
    await two.send("s", "b", 1)
    finding = asyncio.create_task(one.ingest.find(PROJECT, "s"))
    await asyncio.sleep(0)
    opened = one.ingest.open(PROJECT, "s", START, publishable=False)
    assert await finding is opened
    await one.ingest.receive(opened, batch("a", 1), START).durable
    assert opened.event_count == 2


@pytest.mark.parametrize("seed", range(2))
async def test_any_order_counts_every_event_once(nodes: list[Node], seed: int) -> None:
    dice = random.Random(seed)
    names = ["x", "y", "z"]
    sent = dict.fromkeys(names, 0)

    async def visitor(name: str, producer: str) -> None:
        seq = 1
        for _ in range(12):
            count = dice.choice((1, 2, 5, 150))
            outcome = await dice.choice(nodes).send(name, producer, seq, count)
            assert outcome.ack >= seq + count - 1
            seq += count
            sent[name] += count
            if dice.random() < 0.3:
                await asyncio.sleep(dice.random() * 0.02)

    await asyncio.gather(*(visitor(name, f"tab{n}") for name in names for n in range(3)))
    for name in names:
        rows = await logged(nodes[0], name)
        assert [row.version for row in rows] == list(range(1, len(rows) + 1))
        assert sum(row.count for row in rows) == sent[name]
        readings = []
        for node in nodes:
            session = await node.session(name)
            await node.ingest.catch_up(session)
            assert (session.version, session.event_count) == (len(rows), sent[name])
            assert not session.stale
            reading = session.reading(START)
            assert reading is not None
            readings.append(protocol.readings.reading_dict(reading, session.offer))
        assert readings[0] == readings[1]


async def test_who_has_left_memory_writes_nothing(nodes: list[Node]) -> None:
    one, _ = nodes
    await one.send("s", "a", 1, 3)
    left = await one.session("s")
    one.ingest.sessions.schedule(left)
    one.ingest.sessions.remove(left)
    one.ingest.sessions.schedule(left)  # by who had it in hand
    back = await one.session("s")
    assert back is not left
    later = START + 3_600_000
    assert left not in one.ingest.sessions.due(later)
    one.ingest.pass_time(left, later)
    assert not one.store.queue.pending
    one.ingest.pass_time(back, later)
    assert one.store.queue.pending


async def test_who_is_read_while_it_leaves_memory_comes_back(nodes: list[Node]) -> None:
    one, _ = nodes
    await one.send("s", "a", 1, 3)
    session = await one.session("s")
    reading = asyncio.ensure_future(one.ingest.freshen(session))
    await asyncio.sleep(0)
    one.ingest.sessions.remove(session)
    await reading
    assert await one.session("s") is session


class Refusals:
    """A step that fails so often, each time with the next of `errors`, before it goes through."""

    def __init__(self, step: Any, *errors: Exception) -> None:
        self.step, self.errors = step, list(errors)

    async def __call__(self, *args: Any, **options: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return await self.step(*args, **options)


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


async def test_whoever_opened_it_second_must_not_go_on_with_it(nodes: list[Node]) -> None:
    """Two visitors with one id, each at another node: it is the session of the one that was stored first."""
    one, two = nodes
    opened = [
        node.ingest.open(PROJECT, "s", START, publishable=True, nonce=nonce)
        for node, nonce in ((one, "first"), (two, "second"))
    ]
    gone: list[tuple[Session, errors.SessionMoodError]] = []
    two.ingest.conflicts.on_gone = lambda session, error: gone.append((session, error))
    await one.ingest.receive(opened[0], batch("a", 1), START).durable
    with pytest.raises(errors.BadToken):
        await two.ingest.receive(opened[1], batch("b", 1), START).durable
    assert [session for session, _ in gone] == [opened[1]]
    assert [row.producer for row in await logged(one, "s")] == ["a"]


async def test_a_batch_that_was_interrupted_is_stored_later_and_pushed_then(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
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
    away = ConnectionResetError("away")
    monkeypatch.setattr(writer, "write", Refusals(writer.write, away))
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


async def test_nobody_takes_up_a_proposal_of_somebody_elses_session(nodes: list[Node]) -> None:
    one, two = nodes
    stored = one.ingest.open(PROJECT, "s", START, publishable=True, nonce="first")
    await one.ingest.receive(stored, batch("a", 1), START).durable
    for nonce, adopted in (("second", False), ("first", True)):
        proposal = two.ingest.sessions.propose(PROJECT, "s", START, nonce)
        await two.ingest.adopt(proposal)
        assert (two.ingest.sessions.get(PROJECT, "s") is not None) == adopted
    await two.ingest.adopt(proposal)  # it has been that session for a while
    other = two.ingest.sessions.propose(PROJECT, "s", START, "first")
    await two.ingest.adopt(other)
    assert two.ingest.sessions.get(PROJECT, "s") is not other
