"""The queue alone, before a database that does as it is told."""

import asyncio
import sqlite3
from collections.abc import Callable

import pytest

from app import errors
from app.storage.queue import GATHER_ENTRIES, Group, Outcome, WriteQueue
from tests.support.stored import entry


class Disk:
    """Writes wait until they are told how they went."""

    def __init__(self) -> None:
        self.writing: list[tuple[Group, asyncio.Future[Outcome]]] = []

    def write(self, group: Group) -> "asyncio.Future[Outcome]":
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.writing.append((group, future))
        return future

    async def begins(self) -> None:
        while not self.writing:
            await asyncio.sleep(0)

    async def ends(self, error: Exception | None = None) -> Group:
        """The write under way ends; returns what it was to write."""
        await self.begins()
        group, future = self.writing.pop()
        if error is None:
            future.set_result(Outcome([None for _ in group.jobs]))
        else:
            future.set_exception(error)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return group


def written(group: Group) -> list[int]:
    return [e.version for e in group.entries]


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def queue(disk: Disk) -> WriteQueue:
    return WriteQueue(disk.write, max_bytes=1_000_000)


async def test_the_next_group_fills_while_one_is_written(queue: WriteQueue, disk: Disk) -> None:
    first = {queue.submit(entry(version=1)), queue.submit(entry(version=2))}
    await disk.begins()
    second = {queue.submit(entry(version=n)) for n in (3, 4, 5)}
    assert (len(first), len(second)) == (1, 1)
    assert queue.settled() in second
    assert written(await disk.ends()) == [1, 2]
    assert first.pop().done()
    assert not next(iter(second)).done()
    assert written(await disk.ends()) == [3, 4, 5]
    assert second.pop().done()
    assert queue.settled().done()


async def test_what_each_turn_of_the_loop_brings_is_written_together(queue: WriteQueue, disk: Disk) -> None:
    """As sockets are read that are many, up to a bound of time and of entries."""
    for version in range(1, 4):
        queue.submit(entry(version=version))
        await asyncio.sleep(0)
    assert written(await disk.ends()) == [1, 2, 3]
    for version in range(4, 4 + 3 * GATHER_ENTRIES):
        queue.submit(entry(version=version))
        await asyncio.sleep(0)
    assert len(written(await disk.ends())) <= GATHER_ENTRIES


async def test_a_failure_is_told_to_all_and_tried_again_in_order(queue: WriteQueue, disk: Disk) -> None:
    first = queue.submit(entry(version=1))
    await disk.begins()
    second = queue.submit(entry(version=2))
    job = queue.run(lambda _: None)
    await disk.ends(OSError("no"))
    for each in (first, second, job):
        assert isinstance(each.exception(), errors.StorageUnavailable)
    with pytest.raises(errors.StorageUnavailable):
        queue.run(lambda _: None)
    third = queue.submit(entry(version=3))
    assert queue.settled() is third
    queue.retry_now()
    group = await disk.ends()
    assert written(group) == [1, 2, 3]
    assert group.repeated
    assert group.jobs == []
    assert third.exception() is None


async def test_waits_between_tries_double_up_to_a_limit_and_start_over(
    queue: WriteQueue, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    real = loop.call_later

    def call_later(delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        waits.append(delay)
        return real(0, callback)

    monkeypatch.setattr(loop, "call_later", call_later)
    queue.submit(entry())
    for _ in range(7):
        await disk.ends(OSError("no"))
    assert waits == [0.25, 0.5, 1, 2, 4, 5, 5]
    assert queue.failing_since is not None
    await disk.ends()
    assert queue.failing_since is None
    queue.submit(entry(version=2))
    await disk.ends(OSError("no"))
    assert waits[-1] == 0.25
    await disk.ends()


async def test_what_comes_after_a_seal_is_written_after_it(queue: WriteQueue, disk: Disk) -> None:
    queue.submit(entry(version=1))
    queue.run(lambda _: None, seal=True)
    queue.submit(entry(version=2))
    assert written(await disk.ends()) == [1]
    assert written(await disk.ends()) == [2]


async def test_a_defect_in_the_database_code_does_not_stop_the_queue(queue: WriteQueue, disk: Disk) -> None:
    future = queue.submit(entry(version=1))
    await disk.ends(ZeroDivisionError())
    assert isinstance(future.exception(), errors.StorageUnavailable)
    queue.retry_now()
    assert written(await disk.ends()) == [1]


async def test_cancelling_and_timing_out_leave_the_shared_future_alone(queue: WriteQueue, disk: Disk) -> None:
    future = queue.submit(entry())
    assert not future.cancel()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await future
    together = asyncio.gather(future)
    await disk.ends()
    await together
    await future


async def test_abandoned_entries_fail_and_everything_settles(queue: WriteQueue, disk: Disk) -> None:
    writing = queue.submit(entry(version=1))
    await disk.begins()
    waiting = queue.submit(entry(version=2))
    assert queue.abandon() == 2
    for each in (writing, waiting):
        assert isinstance(each.exception(), errors.StorageUnavailable)
    assert queue.settled().done()
    with pytest.raises(errors.StorageUnavailable):
        queue.submit(entry(version=3))
    await disk.ends()
    assert (queue.queued_entries, queue.queued_bytes, queue.commits) == (0, 0, 1)


async def test_who_is_told_of_a_failure_is_not_told_that_all_is_settled(
    queue: WriteQueue, disk: Disk
) -> None:
    """The callback comes at once; what it asks must be answered as after the failure."""
    settled: list[bool] = []
    future = queue.submit(entry(version=1))
    future.add_done_callback(lambda _: settled.append(queue.settled().done()))
    await disk.begins()
    queue.submit(entry(version=2)).add_done_callback(lambda _: settled.append(queue.settled().done()))
    await disk.ends(sqlite3.OperationalError("disk I/O error"))
    assert settled == [False, False]
    assert queue.queued_entries == 2
    queue.abandon()


async def test_slow_commits_are_counted_and_told_once_in_a_while(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = 100.0
    monkeypatch.setattr("app.storage.queue.time.monotonic", lambda: clock)
    queue = WriteQueue(disk.write, max_bytes=1_000_000)

    async def commit(seconds: float) -> None:
        nonlocal clock
        queue.submit(entry())
        while not disk.writing:
            await asyncio.sleep(0)
        clock += seconds
        await disk.ends()

    for seconds in (0.9, 1.5, 2.0, 1.2):
        await commit(seconds)
    assert queue.slow_commits == 3
    assert [record.getMessage() for record in caplog.records] == [
        "the disk is slow: a commit took 1.5 s (1 over 1 s since the last such line)"
    ]
    clock += 10.0
    await commit(3.0)
    assert "took 3.0 s (3 over 1 s" in caplog.records[-1].getMessage()
    assert len(caplog.records) == 2
