"""What the database says against what clients were told, and a replay of the log beside each reading."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.mood import MoodEngine
from app.protocol.batches import decode_log
from app.protocol.events import to_event
from app.protocol.readings import reading_dict
from tests.faults.visitor import Visitor

_LOG = """
SELECT log.version, log.producer, log.first_seq, log.last_seq, log.reports, log.count, log.events
FROM log JOIN sessions ON sessions.id = log.session_id WHERE sessions.session = ? ORDER BY log.version
"""


class Tally(NamedTuple):
    """Sums over all sessions."""

    acked: int = 0
    kept: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0


class Row(NamedTuple):
    """A row of the log."""

    version: int
    producer: str | None
    first_seq: int | None
    last_seq: int | None
    reports: int
    size: int
    events: bytes


def log_of(database: Path, session: str) -> list[Row]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [Row(*row) for row in connection.execute(_LOG, (session,))]


def count(rows: Sequence[Row], visitor: Visitor) -> Tally:
    """Compare the log of one session with what its visitor made and was told."""
    seen: Counter[str] = Counter()
    numbered: Counter[tuple[str, int]] = Counter()
    altered = 0
    made = {page.producer: page.made for page in visitor.pages}
    for index, row in enumerate(rows):
        assert row.version == index + 1, f"{visitor.session}: version {row.version} stands at {index + 1}"
        events = decode_log(row.events)
        assert len(events) == row.size
        for offset, event in enumerate(events):
            if row.producer is None or row.first_seq is None:
                seen[str(event.target)] += 1
                continue
            seq = row.first_seq + offset
            numbered[row.producer, seq] += 1
            sent = made[row.producer][seq - 1]
            altered += (sent["type"], sent["target"]) != (event.type, event.target)
    must = {(page.producer, seq) for page in visitor.pages for seq in range(1, page.acked + 1)}
    must_loose = {target for target, acked in visitor.loose.items() if acked}
    return Tally(
        acked=len(must) + len(must_loose),
        kept=sum(numbered.values()) + sum(seen.values()),
        lost=len(must - numbered.keys()) + len(must_loose - seen.keys()),
        doubled=sum(n - 1 for n in numbered.values()) + sum(n - 1 for n in seen.values()),
        altered=altered,
    )


def add(tallies: Sequence[Tally]) -> Tally:
    return Tally(*(sum(column) for column in zip(*tallies, strict=True)))


def replayed(rows: Sequence[Row], session: str, as_of: int) -> dict[str, Any]:
    """The reading that a fresh engine comes to from the log alone, at `as_of` (ms)."""
    engine: MoodEngine | None = None
    for row in rows:
        for wire in decode_log(row.events):
            event = to_event(wire, row.reports)
            engine = engine or MoodEngine(session, event.at)
            engine.receive(event)
    assert engine is not None
    engine.advance(as_of)
    reading = msgspec.json.decode(msgspec.json.encode(reading_dict(engine.reading(as_of))))
    return dict(reading)
