from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.storage.sqlite import connection as sqlite_connection
from app.storage.sqlite import database as sqlite
from app.storage.sqlite import identity
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import Make, maker


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture
async def make(path: Path) -> AsyncIterator[Make]:
    async with maker(lambda: SQLiteStorage(path, retry_scale=0.02)) as make:
        yield make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of others are waited for only briefly."""
    monkeypatch.setattr(sqlite_connection, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(identity, "BUSY_SECONDS", 0.02)


@pytest.fixture
async def storage(impatient: None, make: Make) -> SQLiteStorage:
    made = await make()
    assert isinstance(made, SQLiteStorage)
    return made
