"""Nodes without doors on one Postgres, as many as a test makes, with a clock to set."""

import asyncio
from typing import Any

from app import errors
from app.ingest.receive import Ingest
from app.mood import Offer, Reading
from app.protocol.batches import Batch, WireEvent
from app.sessions.registry import Sessions
from app.sessions.session import Session
from app.storage.postgres.database import PostgresStorage
from tests.support.clock import Clock
from tests.support.service import PROJECT


class Listener:
    """Notes what it is told."""

    every = False

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def push(self, reading: Reading, offer: Offer | None, changed: bool) -> None:
        if changed:
            self.told.append((reading.since, reading.mood))


def batch(producer: str | None, seq: int | None, count: int = 1) -> Batch:
    events = [WireEvent(type="click", target="#pay") for _ in range(count)]
    return Batch(events=events, producer=producer, seq=seq)


class Node:
    def __init__(self, url: str, clock: Clock) -> None:
        self.store = PostgresStorage(url, server="node", retry_scale=0.02)
        self.ingest = Ingest(Sessions(), self.store, clock)

    async def session(self, id: str) -> Session:
        found = await self.ingest.find(PROJECT, id)
        if found is not None:
            return found
        return self.ingest.sessions.get(PROJECT, id) or self.ingest.open(
            PROJECT, id, self.ingest.clock(), publishable=False
        )

    async def send(self, id: str, producer: str | None, seq: int | None, count: int = 1) -> Any:
        """As a client does: again after a nack. The outcome."""
        while True:
            sent = batch(producer, seq, count)
            try:
                receipt = await self.ingest.receive_in_parts(
                    await self.session(id), sent, self.ingest.clock()
                )
                await receipt.durable
            except errors.StorageUnavailable:
                await asyncio.sleep(0.01)
            else:
                return receipt.outcome


async def logged(node: Node, id: str) -> list[Any]:
    return await node.store.batches(PROJECT, id, limit=100_000)
