"""A service without doors, on a real database, with a clock to set."""

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from app import protocol
from app.ingest.receive import Ingest
from app.ingest.sweep import Sweep
from app.protocol.batches import WireEvent
from app.protocol.readings import reading_dict
from app.sessions.outcome import Outcome
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage.sqlite.database import SQLiteStorage
from tests.support.clock import Clock

START = 1_800_000_000_000
PROJECT = "default"


@contextlib.asynccontextmanager
async def service(folder: Path, clock: Clock, **options: Any) -> AsyncIterator[Ingest]:
    """Ingest on the database of `folder`, without its own sweep."""
    store = SQLiteStorage(folder / "test.db", **options)
    await store.open()
    try:
        yield Ingest(Sessions(), store, clock)
    finally:
        await store.close()


def sweep(ingest: Ingest) -> Sweep:
    return Sweep(ingest, session_idle=60.0)


@contextlib.contextmanager
def slow_commit(ingest: Ingest) -> Iterator[None]:
    """What is submitted inside is not committed before the end."""
    go_on = threading.Event()
    assert isinstance(ingest.store, SQLiteStorage)
    ingest.store.queue.run(lambda _: go_on.wait(20), seal=True)
    try:
        yield
    finally:
        go_on.set()


def opened(ingest: Ingest, id: str, clock: Clock) -> Session:
    return ingest.open(PROJECT, id, clock(), publishable=False)


def batch(*kinds: str, seq: int | None = None, lost: int = 0, producer: str = "p") -> protocol.Batch:
    events = [WireEvent(type=kind, target="#pay") for kind in kinds]
    return protocol.Batch(events=events, producer=producer if seq else None, seq=seq, lost=lost)


async def folded(ingest: Ingest, session: Session, batch: protocol.Batch, now: int) -> Outcome:
    """What came of it, once it is durable."""
    receipt = ingest.receive(session, batch, now)
    await receipt.durable
    return receipt.outcome


def shown(ingest: Ingest, session: Session, now: int) -> dict[str, Any]:
    reading = ingest.reading(session, now)
    assert reading is not None
    return reading_dict(reading, session.offer)
