"""A line to the engine that ends while something is sent on it, on the event loop that the service runs on."""

import asyncio
from typing import Any

import pytest
import uvloop
from redis.exceptions import ConnectionError as Unreachable

from app.bus.engine import Engine, connect, on_the_line, send
from tests.support.engines import Valkey


def test_a_line_that_has_ended_is_said_to_have_ended(engine: Valkey) -> None:
    async def speak_after_the_end() -> None:
        bus = await Engine.open(engine.url())
        line: Any = bus.connection("")
        try:
            await connect(line)
            line._writer.transport.abort()
            await asyncio.sleep(0)
            with pytest.raises(Unreachable, match="the line has ended"):
                await send(line, [("PING",), ("PING",)])
        finally:
            await line.disconnect(nowait=True)
            await bus.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(speak_after_the_end())


def test_other_faults_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="our own"), on_the_line():
        raise RuntimeError("a fault of our own")
