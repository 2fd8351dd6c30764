"""The schema's history: every revision opens, the newest is what `schema.py` says, unknown ones are refused."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from app import errors
from app.ingest.history_rows import restored_history
from app.ingest.receive import Ingest
from app.mood import MoodEngine
from app.protocol.batches import Batch, WireEvent, decode_log
from app.protocol.events import to_event
from app.sessions.history import OUTCOMES, moods_of, outcome_of
from app.sessions.registry import Sessions
from app.storage import Traits
from app.storage.migrations import HEAD, alembic_config, migrate_sqlite, stored_revision
from app.storage.schema import metadata
from app.storage.sqlite.database import SQLiteStorage
from tests.support.stored import entry, row


def plain(path: Path) -> "contextlib.closing[sqlite3.Connection]":
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def make_revision(path: Path, revision: str) -> None:
    """A database as the version that had `revision` as its newest left it."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    config = alembic_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_the_head_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_the_migrations_lead_to_the_schema(path: Path) -> None:
    with plain(path) as connection:
        migrate_sqlite(connection)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        indexes = {
            row[0]: row[1] for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        }
    engine.dispose()
    assert differences == []
    assert "due_at IS NOT NULL" in indexes["ix_sessions_due"]


@pytest.mark.parametrize(
    "revision", [s.revision for s in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
)
async def test_a_database_of_every_revision_opens_with_what_is_in_it(path: Path, revision: str) -> None:
    make_revision(path, revision)
    with plain(path) as connection:
        assert stored_revision(connection) == revision
        connection.execute(
            "INSERT INTO sessions (project, session, version, created_at, last_at, event_count, mood, confidence,"
            " suggested_action, page, due_at, publishable)"
            " VALUES ('p', 's', 1, 1000, 1001, 2, 'bored', 0.5, 're_engage', '/', NULL, 0)"
        )
    storage = SQLiteStorage(path)
    await storage.open()
    filled: dict[str, object] = (
        {"mood_at": 0, "traits": 0}
        if revision in ("0009", "0006", "0010")  # those came after it
        else {"mood_at": 1001, "traits": 2 | 1 << 5}
    )
    assert await storage.row("p", "s") == row(**filled)  # type: ignore[arg-type]
    await storage.submit(entry(version=2))
    await storage.erase("p", "s")
    await storage.close()
    with plain(path) as connection:
        assert stored_revision(connection) == HEAD


async def test_histories_are_filled_from_what_was_kept(path: Path) -> None:
    make_revision(path, "0005")
    told = {
        # abandoned while frustrated: what time made of it afterwards does not count
        "left": [(10, "engaged", 0.6), (20, "frustrated", 0.9), (90, "engaged", 0.5)],
        # nobody knows whether the visitor was still there to be bored
        "quiet": [(10, "curious", 0.6), (90, "bored", 0.7)],
        # that clicks were never answered showed only later
        "late": [(10, "engaged", 0.6), (31, "confused", 0.7), (60, "engaged", 0.5)],
        "silent": [],
    }
    events = [
        {"type": "help", "at": 22.0, "kind": "shown", "name": "h1"},
        {"type": "help", "at": 25.0, "kind": "accepted", "name": "h1"},
    ]
    with plain(path) as connection:
        for id, (session, changes) in enumerate(told.items(), 1):
            last = changes[-1] if changes else (30, "", 0.0)
            connection.execute(
                "INSERT INTO sessions VALUES (?, 'p', ?, 1, 10, 30, 2, ?, ?, ?, '/', NULL, 0)",
                (id, session, *last[1:], f"for {last[1]}" if changes else ""),
            )
            connection.execute(
                "INSERT INTO log VALUES (?, ?, 1, 30, NULL, NULL, NULL, 0, 2, ?)",
                (id, id, json.dumps(events).encode()),
            )
            for at, mood, confidence in changes:
                connection.execute(
                    "INSERT INTO changes VALUES (NULL, ?, ?, ?, NULL, ?, ?, '[\"goal\"]', 2, '/pay')",
                    (id, at, mood, confidence, f"for {mood}"),
                )
    storage = SQLiteStorage(path)
    await storage.open()
    page = await storage.sessions("p")
    found = {r.session: (r, h) for r, h in zip(page.sessions, page.histories, strict=True)}

    left, history = found["left"]
    assert (left.mood, left.confidence, left.suggested_action) == ("frustrated", 0.9, "for frustrated")
    assert (moods_of(left.traits), outcome_of(left.traits)) == (["frustrated", "engaged"], "accepted")
    assert history is not None
    kept = restored_history(left, history)
    assert kept.worst is not None
    assert (kept.worst.mood, kept.worst.at, kept.worst.signals, kept.worst.page) == (
        "frustrated", 20, ["goal"], "/pay",
    )  # fmt: skip
    assert [(o.id, o.at, OUTCOMES[o.outcome], o.outcome_at) for o in kept.offers] == [
        ("h1", 22, "accepted", 25)
    ]

    quiet, history = found["quiet"]
    assert (quiet.mood, moods_of(quiet.traits)) == ("curious", ["bored", "curious"])
    assert history is not None
    assert (history.worst_mood, outcome_of(quiet.traits)) == ("curious", None)
    late, history = found["late"]
    assert (late.mood, late.mood_at, moods_of(late.traits)) == ("confused", 31, ["engaged", "confused"])
    assert found["silent"][0].mood == ""
    assert found["silent"][1] is None
    assert [r.session for r in (await storage.sessions("p", traits=Traits(7, (0,)))).sessions] == ["left"]
    await storage.close()


async def test_sessions_of_the_version_before_the_log_alone_go_on(path: Path) -> None:
    with plain(path) as connection:
        connection.executescript((Path(__file__).parent / "revision_0006.sql").read_text())
        before = connection.execute("SELECT * FROM sessions").fetchall()
        logged = connection.execute("SELECT * FROM log").fetchall()
    storage = SQLiteStorage(path)
    await storage.open()
    ingest = Ingest(Sessions(), storage, lambda: 1_800_000_081_000)
    for index in range(8):  # half of them were pushed out of memory
        many = await ingest.find("default", "many", f"tab{index}")
        assert many is not None
        assert many.hello(f"tab{index}", None, 0, 0) == 3
    hard = await ingest.find("default", "hard", "p")
    assert hard is not None
    assert (hard.version, hard.event_count) == (13, 32)
    reading = ingest.reading(hard, 1_800_000_081_000)
    assert reading is not None
    assert reading.mood == "frustrated"
    alone = MoodEngine("hard", hard.created_at)  # the log alone gives the same, whatever wrote the snapshot
    for each in await storage.batches("default", "hard"):
        for wire in decode_log(each.events):
            alone.receive(to_event(wire, each.reports))
    alone.advance(1_800_000_081_000)
    assert reading.confidence == alone.reading(1_800_000_081_000).confidence
    assert [(o.id, OUTCOMES[o.outcome]) for o in hard.history.offers] == [("h1", "accepted")]
    quiet = await ingest.find("default", "quiet")
    assert quiet is not None
    assert quiet.nonce == "n1"
    again = Batch(events=[WireEvent(type="click")] * 2, producer="p", seq=32)
    await ingest.receive(hard, again, 1_800_000_082_000).durable
    assert hard.event_count == 33  # one of the two was known
    await storage.close()
    with plain(path) as connection:
        assert len(connection.execute("SELECT * FROM sessions").fetchall()) == len(before)
        assert connection.execute("SELECT * FROM log").fetchall()[: len(logged)] == logged
        assert stored_revision(connection) == HEAD


async def test_a_newer_revision_is_refused_and_left_alone(path: Path) -> None:
    storage = SQLiteStorage(path)
    await storage.open()
    await storage.close()
    with plain(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(errors.StorageUnavailable, match=r"revision 9999.*newer version wrote it"):
        await storage.open()
    with plain(path) as connection:
        assert stored_revision(connection) == "9999"


async def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with plain(path) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(errors.StorageUnavailable, match="another program"):
        await SQLiteStorage(path).open()
    with plain(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_migration_that_fails_leaves_no_half(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with plain(path) as connection:
        made = 0

        def fail_late(action: int, *_: object) -> int:
            nonlocal made
            made += action == sqlite3.SQLITE_CREATE_INDEX
            denied = action == sqlite3.SQLITE_CREATE_INDEX and made > 4
            return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

        connection.set_authorizer(fail_late)
        with pytest.raises(sqlite3.DatabaseError):
            migrate_sqlite(connection)
        connection.set_authorizer(None)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        assert not connection.in_transaction
        migrate_sqlite(connection)
        assert stored_revision(connection) == HEAD


def test_a_start_with_nothing_to_migrate_imports_no_alembic(path: Path) -> None:
    script = f"""
import asyncio, sys
from app.storage.sqlite.database import SQLiteStorage
async def main():
    storage = SQLiteStorage({str(path)!r})
    await storage.open()
    await storage.close()
asyncio.run(main())
print("alembic" in sys.modules, "sqlalchemy" in sys.modules)
"""
    starts = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        for _ in range(2)
    ]
    assert starts == ["True True\n", "False False\n"]
