"""Long calls take turns with everybody else: how much is done between two turns, not how long it takes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from app import protocol
from app.ingest import MAX_FOLD_EVENTS
from app.ingest import load as loading
from app.ingest import replaying as replaying_rows
from app.ingest.receive import Ingest
from app.protocol.batches import WireEvent
from app.sessions.registry import Sessions
from app.storage import Batch, MoodChange
from app.storage.sqlite.database import SQLiteStorage
from app.transport.api.timeline import timeline


class Turns:
    """Counts what is done between two turns."""

    def __init__(self) -> None:
        self.done = 0
        self.most = 0
        self.taken = 0

    def note(self, amount: int) -> None:
        self.done += amount
        self.most = max(self.most, self.done)

    async def turn(self) -> None:
        self.taken += 1
        self.done = 0
        await asyncio.sleep(0)


def row(version: int, count: int) -> Batch:
    events = [WireEvent(type="click", at=float(version), target=f"#b{n}") for n in range(count)]
    first = (version - 1) * count + 1
    return Batch(version, version, "p", first, first + count - 1, 0, count, protocol.encode_log(events))


async def test_a_timeline_is_told_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    decode = protocol.decode_log

    def decoding(blob: bytes) -> list[WireEvent]:
        events = decode(blob)
        turns.note(len(events))
        return events

    monkeypatch.setattr(protocol, "decode_log", decoding)
    rows = [row(version, (1, 30, 100)[version % 3]) for version in range(1, 1001)]
    changes = [MoodChange(at, "bored", None, 0.5, "none", [], at, None) for at in range(250)]
    ingest = SimpleNamespace(loader=SimpleNamespace(turn=turns.turn), sessions=Sessions())
    doors = SimpleNamespace(ingest=ingest)
    answer = timeline(cast(Any, doors), "default", "s", changes, rows, 7)
    pieces = [cast(bytes, piece) async for piece in answer.body_iterator]
    assert turns.most <= 2 * MAX_FOLD_EVENTS
    assert turns.taken >= sum(each.count for each in rows) // (2 * MAX_FOLD_EVENTS)
    told = json.loads(b"".join(pieces))
    assert [change["at"] for change in told["changes"]] == list(range(250))
    assert len(told["events"]) == sum(each.count for each in rows)
    assert told["events"][0] == {"producer": "p", "seq": 1, "type": "click", "at": 1, "target": "#b0"}
    assert told["events"][-1]["at"] == 1000
    assert told["after"] == 7
    empty = timeline(cast(Any, doors), "default", "s", [], [], None)
    assert json.loads(b"".join([cast(bytes, piece) async for piece in empty.body_iterator])) == {
        "changes": [],
        "events": [],
        "after": None,
    }


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    opened = SQLiteStorage(str(tmp_path / "s.db"))
    await opened.open()
    yield opened
    await opened.close()


async def test_a_session_without_its_snapshot_is_folded_in_pieces(
    store: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Ingest(Sessions(), store, lambda: 0)
    session = first.open("default", "long", 0, False)
    for n in range(40):
        events = [WireEvent(type="click", at=float(n)) for _ in range(30)]
        await first.receive(session, protocol.Batch(events=events), n * 1000).durable
    stored = await store.load("default", "long")
    assert stored is not None
    turns = Turns()
    again = Ingest(Sessions(), store, lambda: 0)
    again.loader.turn = turns.turn
    replay: Callable[..., Any] = replaying_rows.replay

    def replaying(session: Any, batch: Batch, news: Any) -> Any:
        turns.note(batch.count)
        return replay(session, batch, news)

    monkeypatch.setattr(loading, "replay", replaying)
    revived = await again.loader._revive(msgspec.structs.replace(stored, snapshot=b"nonsense"))
    assert revived.event_count == 1200
    assert turns.most <= MAX_FOLD_EVENTS
    assert turns.taken >= 10
