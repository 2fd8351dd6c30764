"""What the tests of several nodes share."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.clock import Clock
from tests.support.service import START
from tests.support.two_nodes import Node


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
