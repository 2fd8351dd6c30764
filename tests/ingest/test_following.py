"""What one node reads of another's work: told by the bus, or asked for while that is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest

from app import errors
from app.bus import Notice, State
from app.bus.local import LocalBus
from app.ingest import following
from app.ingest.following import Following
from app.ingest.receipts import Receipt
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.refusals import Refusals
from tests.support.service import PROJECT, START
from tests.support.two_nodes import Listener, Node, batch

NAME = (PROJECT, "s")


class Line(LocalBus):
    """A bus that a test carries the notices of by hand, and cuts."""

    def __init__(self) -> None:
        super().__init__()
        self.up = True
        self.sent: list[Notice] = []

    def publish(self, notice: Notice) -> None:
        self.sent.append(notice)

    def state(self) -> State:
        return State(up=self.up)


class Pair:
    """Two nodes: one writes, the other follows, and notes whose session was erased."""

    def __init__(self, writer: Node, reader: Node) -> None:
        self.writer, self.reader = writer, reader
        self.line = Line()
        self.telling, self.following = Following(writer.ingest, Line()), Following(reader.ingest, self.line)
        self.erased: list[tuple[str, str]] = []
        self.following.on_erased = lambda project, id: self.erased.append((project, id))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    def tell(self) -> None:
        """The writer's session has news, and the reader hears of it."""
        session = self.writer.ingest.sessions.get(*NAME)
        assert session is not None
        self.telling.tell(session)
        self.following.hear(cast(Line, self.telling._bus).sent[-1])


@pytest.fixture
async def pair(nodes: list[Node]) -> AsyncIterator[Pair]:
    made = Pair(*nodes)
    yield made
    await made.following.stop()


async def test_who_listens_is_told_of_what_came_elsewhere(pair: Pair) -> None:
    await pair.writer.send("s", "a", 1)
    session, listener = await pair.reader.session("s"), Listener()
    pair.reader.ingest.sessions.listen(session, listener)
    pushed = pair.following.caught_up
    for seq in range(2, 30):
        cast(Clock, pair.reader.ingest.clock).now += 100
        await pair.writer.send("s", "a", seq)
    pair.tell()
    pair.tell()  # while that is read
    await pair.until(lambda: session.event_count == 29)
    assert pair.following.caught_up == pushed + 1
    pair.tell()  # nothing is new
    pair.following.hear(Notice("news", "other", PROJECT, "never was here", "", 5))
    await pair.until(lambda: not pair.following._reading)
    assert (session.event_count, pair.reader.ingest.sessions.get(PROJECT, "never was here")) == (29, None)


async def test_who_waits_with_a_proposal_gets_the_session_that_another_node_opened(pair: Pair) -> None:
    proposal = pair.reader.ingest.sessions.propose(PROJECT, "s", START, "its")
    pair.reader.ingest.sessions.listen(proposal, Listener())
    opened = pair.writer.ingest.open(PROJECT, "s", START, publishable=True, nonce="its")
    pair.following.look_at([])
    pair.following.look_at([NAME])  # nothing is there yet
    await pair.writer.ingest.receive(opened, batch("a", 1), START).durable
    pair.following.look_at([NAME])
    await pair.until(lambda: proposal.event_count == 1)
    assert pair.reader.ingest.sessions.get(*NAME) is proposal


async def test_an_erasure_is_seen_by_who_was_told_and_by_who_looks(pair: Pair) -> None:
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    await pair.writer.ingest.erase(*NAME)
    pair.telling.tell_erased(*NAME)
    pair.following.hear(cast(Line, pair.telling._bus).sent[-1])
    assert pair.erased == [NAME]
    pair.following.look_at([NAME])
    await pair.until(lambda: len(pair.erased) == 2)
    await pair.writer.send("s", "b", 1)
    other = await pair.writer.session("s")
    other.nonce = "another"
    pair.tell()  # of its successor, whose rows do not go on from here
    await pair.until(lambda: len(pair.erased) == 3)
    assert session.event_count == 1


async def test_keys_that_changed_elsewhere_are_read_again(pair: Pair) -> None:
    heard: list[bool] = []
    pair.following.on_keys = lambda: heard.append(True)
    pair.telling.tell_keys()
    pair.following.hear(cast(Line, pair.telling._bus).sent[-1])
    assert heard == [True]


async def test_while_the_bus_is_away_the_versions_are_asked_for(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as it takes: also past a storage that is away, and past a defect."""
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    pair.reader.ingest.sessions.listen(session, Listener())
    store = pair.reader.store
    away, defect = errors.StorageUnavailable("away"), ZeroDivisionError()
    monkeypatch.setattr(following, "ASK_EVERY", 0.01)
    monkeypatch.setattr(store, "versions", Refusals(store.versions, away, defect))
    await pair.writer.send("s", "a", 2)
    pair.following.start()
    await asyncio.sleep(0.05)
    assert session.event_count == 1  # it is there, and tells
    pair.line.up = False
    await pair.until(lambda: session.event_count == 2)
    assert caplog.text.count("versions could not be asked for") == 1


@pytest.mark.parametrize(
    "error", [errors.StorageUnavailable("away"), ZeroDivisionError()], ids=["away", "defect"]
)
async def test_what_could_not_be_read_is_read_with_the_next_notice(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    store = pair.reader.store
    monkeypatch.setattr(store, "batches", Refusals(store.batches, error))
    await pair.writer.send("s", "a", 2)
    pair.tell()
    await pair.until(lambda: not pair.following._reading)
    assert session.event_count == 1
    pair.tell()
    await pair.until(lambda: session.event_count == 2)
    told = [vars(record)["session"] for record in caplog.records if "read up" in record.getMessage()]
    assert told == (["s"] if isinstance(error, ZeroDivisionError) else [])


# What is read of a log


async def change(node: Node, statement: str) -> None:
    await node.store._run(lambda connection: connection.execute(statement))


async def test_a_row_of_the_log_that_is_gone_costs_a_load(pair: Pair) -> None:
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    for seq in (2, 3):
        await pair.writer.send("s", "a", seq)
    await change(pair.writer, "DELETE FROM log WHERE version = 2")
    assert await pair.reader.ingest.catch_up(session)
    assert (session.version, session.producers["a"].ack) == (3, 3)


async def test_a_row_of_the_log_that_cannot_be_read_costs_itself_only(pair: Pair) -> None:
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    for seq in (2, 3):
        await pair.writer.send("s", "a", seq)
    await change(pair.writer, "UPDATE log SET events = 'no JSON' WHERE version = 2")
    assert await pair.reader.ingest.catch_up(session)
    assert (session.version, session.event_count, session.producers["a"].ack) == (3, 2, 3)
    assert pair.reader.store.damage.counts == {"log": 1}


async def test_nothing_is_folded_into_who_left_while_the_log_was_read(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    await pair.writer.send("s", "a", 2)
    batches = pair.reader.store.batches

    async def meanwhile(*args: object, **options: object) -> object:
        pair.reader.ingest.sessions.remove(session)
        return await batches(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pair.reader.store, "batches", meanwhile)
    assert not await pair.reader.ingest.catch_up(session)
    assert session.event_count == 1
    assert (await pair.reader.session("s")).event_count == 2


async def test_of_a_session_that_nobody_stored_there_is_nothing_to_read(pair: Pair) -> None:
    session = pair.reader.ingest.open(PROJECT, "s", START, publishable=False)
    pair.reader.ingest.sessions.listen(session, Listener())
    assert not await pair.reader.ingest.catch_up(session)
    pair.reader.ingest.others.push_reading(session)  # nothing yet to push
    session.stale = True
    assert not await pair.reader.ingest.catch_up(session)  # it is being read anyway


async def test_a_session_that_is_folded_into_all_the_time_is_read_at_last(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told of it says all that had come when it was asked for."""
    await pair.writer.send("s", "a", 1)
    session = await pair.reader.session("s")
    versions, seq = pair.reader.store.versions, 1

    async def busy(*args: object) -> object:
        """Its visitor goes on here as soon as somebody looks."""
        nonlocal seq
        found = await versions(*args)  # type: ignore[arg-type]
        if seq < 12:
            pair.reader.ingest.receive(session, batch("b", seq), START)
            seq += 1
        return found

    monkeypatch.setattr(pair.reader.store, "versions", busy)
    await pair.writer.send("s", "a", 2)
    await pair.reader.ingest.freshen(session)
    assert session.producers["a"].ack == 2
    await pair.reader.ingest.store.settled()


@pytest.mark.parametrize("opened", [False, True], ids=["known here", "opened here"])
async def test_what_is_folded_while_the_log_is_read_counts_once(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, opened: bool
) -> None:
    reader = pair.reader
    if not opened:
        await pair.writer.send("s", "a", 1)
    session = (
        reader.ingest.open(PROJECT, "s", START, publishable=False) if opened else await reader.session("s")
    )
    await pair.writer.send("s", "a", 1 if opened else 2)
    step = "load" if opened else "batches"
    read = getattr(reader.store, step)
    sent: list[Receipt] = []

    async def meanwhile(*args: object, **options: object) -> object:
        found = await read(*args, **options)
        if not sent:
            sent.append(reader.ingest.receive(session, batch("b", 1), START))
        return found

    monkeypatch.setattr(reader.store, step, meanwhile)
    await reader.ingest.catch_up(session)
    await sent[0].durable
    await reader.ingest.freshen(session)
    assert {id: producer.ack for id, producer in session.producers.items()} == {
        "a": 1 if opened else 2,
        "b": 1,
    }
    assert session.event_count == (2 if opened else 3)


async def test_one_listener_that_fails_costs_no_other(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Listener):
        def push(self, *_: object) -> None:
            raise ZeroDivisionError

    await pair.writer.send("s", "a", 1)
    session, listener = await pair.reader.session("s"), Listener()
    told: list[bool] = []
    monkeypatch.setattr(listener, "push", lambda reading, offer, changed: told.append(changed))
    for each in (Broken(), listener):
        pair.reader.ingest.sessions.listen(session, each)
    await pair.writer.send("s", "a", 2)
    assert await pair.reader.ingest.catch_up(session)
    assert len(told) == 1
    assert [vars(record)["session"] for record in caplog.records] == ["s"]


async def test_a_stop_waits_for_nobody(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    await pair.writer.send("s", "a", 1)
    session: Session = await pair.reader.session("s")
    begun = asyncio.Event()

    async def forever(*_: object, **options: object) -> object:
        begun.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(pair.reader.store, "batches", forever)
    await pair.writer.send("s", "a", 2)
    pair.following.start()
    pair.tell()
    await begun.wait()
    await pair.following.stop()
    assert session.event_count == 1
