"""Large batches, folded in parts between which others have their turn: the outcome is that of one go."""

import asyncio
import random
from pathlib import Path

import pytest

from app import protocol
from app.errors import OutOfOrder, Revoked, StorageUnavailable
from app.ingest import MAX_FOLD_EVENTS
from app.ingest.receipts import Receipt, together
from app.ingest.receive import Ingest
from app.mood import EVENT_TYPES
from app.protocol.batches import WireEvent
from app.sessions.outcome import Outcome
from app.sessions.session import Session
from tests.support.clock import Clock
from tests.support.server import ServerProcess
from tests.support.service import PROJECT, START, opened, service, shown, slow_commit, sweep

SEEDS = range(8)


class Listener:
    every = True

    def __init__(self) -> None:
        self.told: list[tuple[int, bool]] = []

    def push(self, reading: object, offer: object, changed: bool) -> None:
        self.told.append((reading.event_count, changed))  # type: ignore[attr-defined]


def heard(ingest: Ingest, clock: Clock) -> tuple[Session, Listener]:
    """A new session, and who listens to it."""
    session, listener = opened(ingest, "s", clock), Listener()
    session.subscribers = [listener]
    return session, listener


def large(seed: int, count: int = 437, *, clock_ahead: int = 0, seq: int | None = 1) -> protocol.Batch:
    """Events of the last minutes, most of them with a time, from a clock that may be wrong."""
    dice = random.Random(seed)
    kinds = [*sorted(EVENT_TYPES - {"feedback", "help"}), "something_else"]
    at, events = START - 200_000 + clock_ahead, []
    for _ in range(count):
        at += dice.randint(0, 800)
        when = None if dice.random() < 0.1 else at
        events.append(WireEvent(type=dice.choice(kinds), at=when, target=f"#t{dice.randint(0, 5)}"))
    return protocol.Batch(events=events, producer="p" if seq else None, seq=seq, lost=0)


async def in_parts(ingest: Ingest, session: Session, batch: protocol.Batch, now: int) -> Receipt:
    receipt = await ingest.receive_in_parts(session, batch, now)
    await receipt.durable
    return receipt


def summary(outcome: Outcome) -> tuple[int, int, int, int | None]:
    return outcome.accepted, outcome.duplicates, outcome.ignored, outcome.ack


@pytest.mark.parametrize("seq", [1, None])
@pytest.mark.parametrize("clock_ahead", [0, 5_000_000, -50_000_000])
@pytest.mark.parametrize("seed", SEEDS)
async def test_the_outcome_is_that_of_one_go(
    tmp_path: Path, seed: int, clock_ahead: int, seq: int | None
) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest, service(tmp_path / "other", clock) as other:
        parted, listener = heard(ingest, clock)
        whole = opened(other, "s", clock)
        for step in range(2):
            first = None if seq is None else seq + 437 * step
            made = [large(seed + step, clock_ahead=clock_ahead, seq=first) for _ in range(2)]
            mine = await in_parts(ingest, parted, made[0], clock())
            theirs = other.receive(whole, made[1], clock())
            assert summary(mine.outcome) == summary(theirs.outcome)
            assert shown(ingest, parted, clock()) == shown(other, whole, clock())
            clock.now += 30_000
            assert shown(ingest, parted, clock()) == shown(other, whole, clock())
        assert listener.told[0][0] == 437
        state = parted.engine and parted.engine.state()
        assert state == (whole.engine and whole.engine.state())
        ingest.sessions.remove(parted)
        again = await ingest.find(PROJECT, "s")
        assert again is not None
        assert shown(ingest, again, clock()) == shown(other, whole, clock())


async def test_others_have_their_turn_and_one_push_comes_at_the_end(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session, listener = heard(ingest, clock)
        neighbour = opened(ingest, "n", clock)
        counts: list[int] = []

        async def turn() -> None:
            counts.append(session.event_count)
            assert listener.told == []
            ingest.receive(neighbour, large(1, 3, seq=1 + 3 * len(counts) - 3), clock())

        ingest.loader.turn = turn
        receipt = await in_parts(ingest, session, large(1, 3 * MAX_FOLD_EVENTS + 1), clock())
        assert counts == [MAX_FOLD_EVENTS, 2 * MAX_FOLD_EVENTS, 3 * MAX_FOLD_EVENTS]
        assert len(listener.told) == 1
        assert receipt.outcome.ack == 3 * MAX_FOLD_EVENTS + 1
        assert neighbour.producers["p"].ack == 9


async def test_a_small_batch_takes_no_turn(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:

        async def turn() -> None:
            raise AssertionError("a turn was taken")

        ingest.loader.turn = turn
        receipt = await in_parts(ingest, opened(ingest, "s", clock), large(1, MAX_FOLD_EVENTS), clock())
        assert receipt.outcome.ack == MAX_FOLD_EVENTS


async def test_what_breaks_off_half_way_counts_once_when_it_is_sent_again(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session, listener = heard(ingest, clock)
        turns = 0

        async def turn() -> None:
            nonlocal turns
            turns += 1
            if turns == 2:
                raise StorageUnavailable("the numbering can't be read")

        ingest.loader.turn = turn
        with pytest.raises(StorageUnavailable):
            await ingest.receive_in_parts(session, large(3), clock())
        assert session.producers["p"].ack == 2 * MAX_FOLD_EVENTS
        assert len(listener.told) == 1  # what was folded is no secret
        receipt = await in_parts(ingest, session, large(3), clock())
        assert receipt.outcome.ack == 437
        assert receipt.outcome.duplicates == 2 * MAX_FOLD_EVENTS
        assert session.event_count == 437
        assert session.pending == 0


async def test_a_queue_that_fills_up_half_way_takes_nothing_for_kept(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock, max_queued_bytes=5_000) as ingest:
        session = opened(ingest, "s", clock)
        with slow_commit(ingest):
            with pytest.raises(StorageUnavailable):
                await ingest.receive_in_parts(session, large(3), clock())
            folded = session.producers["p"].ack
            assert 0 < folded < 437
        await ingest.store.settled()
        for _ in range(5):  # it may fill up again: each time some more of it is kept
            try:
                receipt = await in_parts(ingest, session, large(3), clock())
                break
            except StorageUnavailable:
                await ingest.store.settled()
        assert receipt.outcome.ack == 437
        await ingest.store.settled()
        ingest.sessions.remove(session)
        again = await ingest.find(PROJECT, "s")
        assert again is not None
        assert again.event_count == 437


async def test_a_gap_is_refused_before_anything_is_folded(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session, listener = heard(ingest, clock)
        with pytest.raises(OutOfOrder) as refused:
            await ingest.receive_in_parts(session, large(3, seq=8), clock())
        assert (refused.value.extra["expect"], refused.value.extra["seq"]) == (1, 8)
        assert (session.event_count, session.pending, listener.told) == (0, 0, [])
        batch = large(3, seq=8)
        batch.lost = 7
        assert (await in_parts(ingest, session, batch, clock())).outcome.ack == 444


async def test_an_erasure_half_way_leaves_nothing(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)

        async def turn() -> None:
            if not session.erased:
                assert await ingest.erase(PROJECT, "s")

        ingest.loader.turn = turn
        with pytest.raises(Revoked):
            await ingest.receive_in_parts(session, large(4), clock())
        await ingest.store.settled()
        assert await ingest.find(PROJECT, "s") is None


async def test_a_batch_that_has_begun_is_finished_when_the_server_stops(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:

        async def turn() -> None:
            ingest.draining = True

        ingest.loader.turn = turn
        receipt = await in_parts(ingest, opened(ingest, "s", clock), large(5), clock())
        assert receipt.outcome.ack == 437


async def test_it_stays_in_memory_until_its_last_part(tmp_path: Path) -> None:
    clock = Clock(START)
    async with service(tmp_path, clock) as ingest:
        session = opened(ingest, "s", clock)

        async def turn() -> None:
            await ingest.store.settled()
            for _ in range(5):
                await asyncio.sleep(0)
            clock.now += 3_600_000
            sweep(ingest).evict_idle(clock())
            assert ingest.sessions.get(PROJECT, "s") is session

        ingest.loader.turn = turn
        await in_parts(ingest, session, large(6), clock())


async def test_it_is_durable_when_each_part_is() -> None:
    loop = asyncio.get_running_loop()

    def receipts() -> tuple[list[Receipt], list[asyncio.Future[None]]]:
        futures: list[asyncio.Future[None]] = [loop.create_future() for _ in range(3)]
        outcome = [Outcome(1, 0, 0, 0, True, None, None, 0, []) for _ in futures]
        return [Receipt(each, future) for each, future in zip(outcome, futures, strict=True)], futures

    parts, futures = receipts()
    whole = together(parts)
    assert whole.outcome.accepted == 3
    for future in reversed(futures):
        await asyncio.sleep(0)
        assert not whole.durable.done()
        future.set_result(None)
    await whole.durable
    parts, futures = receipts()
    whole = together(parts)
    futures[0].set_result(None)
    futures[2].set_result(None)
    futures[1].set_exception(StorageUnavailable("full"))
    with pytest.raises(StorageUnavailable):
        await whole.durable


async def test_over_a_socket_it_is_acked_once_and_in_order(server: ServerProcess) -> None:
    async with server.socket("large-ws") as client:
        await client.hello(producer="p")
        events = [{"type": "click", "target": "#b"}] * 450
        for seq in (1, 451):
            await client.send({"op": "events", "seq": seq, "events": events})
        await client.send({"op": "events", "seq": 901, "events": events[:1]})
        acks: list[int] = []
        while not acks or acks[-1] < 901:
            frame = await client.receive()
            assert frame["op"] != "nack", frame
            if frame["op"] == "ack":
                acks.append(frame["seq"])
        assert set(acks) <= {450, 900, 901}
        assert acks == sorted(acks)
    answer = server.post("large-ws", [{"type": "click"}] * 350)
    assert answer.json()["accepted"] == 350
    assert server.get("/v1/sessions/large-ws/mood").json()["event_count"] == 1251
