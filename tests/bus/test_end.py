"""Tasks of the bus end though redis-py may lose a cancellation."""

import asyncio

from app.bus.engine import end


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def writer() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost == 2:
                    raise
                lost += 1

    async def failing() -> None:
        raise OSError("the line is gone")

    tasks = [asyncio.create_task(writer()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    await end(tasks)
    assert lost == 2
    assert all(task.done() for task in tasks)
