"""Futures that call back at once, and are futures like any other besides."""

import asyncio

import pytest

from app.storage.commit_future import CommitFuture


async def test_callbacks_come_at_once_and_in_order() -> None:
    future: CommitFuture[int] = CommitFuture()
    heard: list[str] = []
    future.add_done_callback(lambda done: heard.append(f"first {done.result()}"))
    future.add_done_callback(lambda done: heard.append(f"second {done.result()}"))
    future.set_result(3)
    assert heard == ["first 3", "second 3"]
    future.add_done_callback(lambda _: heard.append("late"))
    assert len(heard) == 2  # one that comes late is called by the loop
    await asyncio.sleep(0)
    assert heard[-1] == "late"


async def test_who_awaits_it_is_woken() -> None:
    future: CommitFuture[int] = CommitFuture()

    async def wait() -> int:
        return await future

    tasks = [asyncio.create_task(wait()) for _ in range(3)]
    shielded = asyncio.shield(future)
    await asyncio.sleep(0)
    future.set_result(7)
    assert await asyncio.gather(*tasks, shielded) == [7] * 4


async def test_failures_and_cancellations_are_told_too() -> None:
    failed: CommitFuture[int] = CommitFuture()
    cancelled: CommitFuture[int] = CommitFuture()
    heard: list[object] = []
    failed.add_done_callback(lambda done: heard.append(str(done.exception())))
    cancelled.add_done_callback(lambda done: heard.append(done.cancelled()))
    failed.set_exception(ValueError("no"))
    cancelled.cancel()
    assert heard == ["no", True]


async def test_one_that_was_taken_back_is_not_called() -> None:
    future: CommitFuture[None] = CommitFuture()
    heard: list[object] = []
    future.add_done_callback(heard.append)
    assert future.remove_done_callback(heard.append) == 1
    future.set_result(None)
    assert heard == []


async def test_a_callback_that_fails_is_reported_and_the_next_is_called() -> None:
    reports: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    future: CommitFuture[None] = CommitFuture()
    heard: list[object] = []

    def fails(_: object) -> None:
        raise ValueError("broken")

    future.add_done_callback(fails)
    future.add_done_callback(heard.append)
    future.set_result(None)
    assert heard == [future]
    with pytest.raises(ValueError, match="broken"):
        raise reports[0]["exception"]  # type: ignore[misc]
