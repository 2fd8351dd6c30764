"""SQLite under the contract, and what only a file can promise."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage.sqlite import SQLiteStorage

from .contract import *  # noqa: F403
from .contract import Make


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    opened: list[SQLiteStorage] = []

    async def again() -> SQLiteStorage:
        for storage in opened:
            await storage.close()
        storage = SQLiteStorage(tmp_path / "sessions.db")
        await storage.open()
        opened.append(storage)
        return storage

    yield again
    for storage in opened:
        await storage.close()
