"""One Valkey for the tests of the bus, and buses on it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from app.bus import Notice
from app.bus.valkey import ValkeyBus
from tests.support.engines import Valkey, valkey


@pytest.fixture(scope="package")
def engine() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


class Node:
    """A bus, and what it was told."""

    def __init__(self, bus: ValkeyBus) -> None:
        self.bus = bus
        self.heard: list[Notice] = []
        self.listening: list[tuple[str, str]] = []
        self.went = self.returned = 0
        bus.on_notice = self.heard.append
        bus.on_listening = self.listening.extend
        bus.on_away = lambda: setattr(self, "went", self.went + 1)
        bus.on_return = lambda: setattr(self, "returned", self.returned + 1)

    def news(self, session: str, version: int = 1) -> None:
        self.bus.publish(Notice("news", self.bus.node, "p", session, "n", version))


@contextlib.asynccontextmanager
async def node(url: str, namespace: str = "test") -> AsyncIterator[Node]:
    """A bus that is up."""
    each = Node(ValkeyBus(url, lambda: time.time_ns() // 1_000_000))
    await each.bus.start(namespace)
    try:
        await until(lambda: each.bus.state().up)
        yield each
    finally:
        await each.bus.stop()


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
