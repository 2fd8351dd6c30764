"""Two nodes on one Postgres: whose a session is that another node has erased or opened too, or that left memory."""

import asyncio
from typing import cast

import pytest

from app import errors
from app.protocol.batches import Batch
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.service import PROJECT, START
from tests.support.two_nodes import Node, batch, logged


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


async def test_who_is_read_does_not_take_the_place_of_who_was_opened_meanwhile(nodes: list[Node]) -> None:
    one, two = nodes
    await two.send("s", "b", 1)
    finding = asyncio.create_task(one.ingest.find(PROJECT, "s"))
    await asyncio.sleep(0)
    opened = one.ingest.open(PROJECT, "s", START, publishable=False)
    assert await finding is opened
    await one.ingest.receive(opened, batch("a", 1), START).durable
    assert opened.event_count == 2


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


async def test_what_is_on_its_way_when_its_session_is_erased_is_told_so(nodes: list[Node]) -> None:
    one, _ = nodes
    await one.send("s", "a", 1)
    session = await one.session("s")
    receipt = one.ingest.receive(session, batch("a", 2), START)
    assert await one.ingest.erase(PROJECT, "s")
    with pytest.raises(errors.Revoked):
        await receipt.durable
    assert await one.store.load(PROJECT, "s") is None


async def test_who_is_erased_while_it_is_read_again_stays_so(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    reload = one.ingest.loader.reload

    async def erased(session: Session) -> bool:
        found = await reload(session)
        await one.ingest.forget(PROJECT, "s")
        return found

    monkeypatch.setattr(one.ingest.loader, "reload", erased)
    receipt = one.ingest.receive(session, batch("a", 2), START)  # loses, and has the session read
    with pytest.raises(errors.Revoked):
        await receipt.durable
    assert one.ingest.sessions.get(PROJECT, "s") is None


async def test_who_left_memory_is_found_to_be_erased_too(nodes: list[Node]) -> None:
    known = await _erased_elsewhere(nodes)
    _, two = nodes
    gone: list[Session] = []
    two.ingest.conflicts.on_gone = lambda session, error: gone.append(session)
    two.ingest.sessions.remove(known)
    await two.ingest.freshen(known)
    assert (known.erased, gone) == (True, [known])


async def test_events_without_a_number_count_on_any_node(nodes: list[Node]) -> None:
    one, two = nodes
    for node in (one, two, one):
        assert (await node.send("s", None, None, 2)).accepted == 2
    known = await two.session("s")
    await two.ingest.freshen(known)
    assert known.event_count == 6
