"""Storages to open again, and what to put into them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from app.storage import (
    Batch,
    Entry,
    MoodChange,
    SessionRow,
    Storage,
)

# Opens another storage on the same data; what was opened before is closed first.
Make = Callable[[], Awaitable[Storage]]


@contextlib.asynccontextmanager
async def maker(build: Callable[[], Storage]) -> AsyncIterator[Make]:
    """What a `make` fixture yields: opens what `build` gives, and closes it at the end."""
    opened: list[Storage] = []

    async def again() -> Storage:
        for storage in opened:
            await storage.close()
        storage = build()
        await storage.open()
        opened.append(storage)
        return storage

    yield again
    for storage in opened:
        await storage.close()


def row(session: str = "s", version: int = 1, *, project: str = "p", **other: object) -> SessionRow:
    fields: dict[str, object] = {
        "created_at": 1_000,
        "last_at": 1_000 + version,
        "event_count": version * 2,
        "mood": "bored",
        "confidence": 0.5,
        "suggested_action": "re_engage",
        "mood_at": 1_001,
        "traits": 2,
        "page": "/",
        "due_at": None,
        "publishable": False,
    }
    return SessionRow(project=project, session=session, version=version, **(fields | other))  # type: ignore[arg-type]


def batch(version: int = 1, events: bytes = b'[{"type":"click"},{"type":"click"}]', **other: object) -> Batch:
    fields: dict[str, object] = {
        "at": 1_000 + version,
        "producer": "tab",
        "first_seq": version * 2 - 1,
        "last_seq": version * 2,
        "reports": 1,
        "count": 2,
    }
    return Batch(version=version, events=events, **(fields | other))  # type: ignore[arg-type]


def change(at: int = 1_001, mood: str = "bored", **other: object) -> MoodChange:
    fields: dict[str, object] = {
        "previous": "engaged",
        "confidence": 0.5,
        "suggested_action": "re_engage",
        "signals": ["idle", "no_scroll"],
        "event_count": 2,
        "page": "/",
    }
    return MoodChange(at=at, mood=mood, **(fields | other))  # type: ignore[arg-type]


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def entry(session: str = "s", version: int = 1, **other: object) -> Entry:
    return Entry(row(session, version, project="p", **other), batch(version))
