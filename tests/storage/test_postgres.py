"""The Postgres storage: the contract on a real server, and what it promises beyond."""

from collections.abc import AsyncIterator

import pytest

from app.storage.postgres.database import PostgresStorage

from .contract import *  # noqa: F403
from .contract import Make


@pytest.fixture
async def make(postgres_url: str) -> AsyncIterator[Make]:
    opened: list[PostgresStorage] = []

    async def again() -> PostgresStorage:
        for storage in opened:
            await storage.close()
        storage = PostgresStorage(postgres_url, server="sole", retry_scale=0.02, day_slack_ms=0)
        await storage.open()
        opened.append(storage)
        return storage

    yield again
    for storage in opened:
        await storage.close()
