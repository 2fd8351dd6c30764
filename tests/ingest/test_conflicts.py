"""Two nodes on one Postgres that write to the same sessions at once: every batch counts once, and all read the same."""

import asyncio
import random
from typing import cast

import pytest

from app import errors, protocol
from app.ingest import conflicts
from app.protocol.batches import Batch, WireEvent
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.service import PROJECT, START
from tests.support.two_nodes import Listener, Node, batch, logged


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


async def test_who_is_due_while_it_is_read_again_is_woken_afterwards(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    await one.send("s", "a", 1)
    await two.send("s", "b", 1)
    session = await one.session("s")
    reload, clock = one.ingest.loader.reload, cast(Clock, one.ingest.clock)

    async def slow(session: Session) -> bool:
        """Time comes for it meanwhile."""
        clock.now += 3_600_000
        assert session in one.ingest.sessions.due(clock())
        one.ingest.pass_time(session, clock())
        return await reload(session)

    monkeypatch.setattr(one.ingest.loader, "reload", slow)
    await one.ingest.conflicts.refresh(session)
    assert (session.stale, session.event_count) == (False, 2)
    assert session in one.ingest.sessions.due(clock() + 1000)


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
