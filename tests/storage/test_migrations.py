"""The schema's history: every revision opens, the newest is what `schema.py` says, unknown ones are refused."""

import contextlib
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
from app.storage.migrations import HEAD, alembic_config, migrate_sqlite, stored_revision
from app.storage.schema import metadata
from app.storage.sqlite import SQLiteStorage

from .contract import entry, row


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
    assert await storage.row("p", "s") == row()
    await storage.submit(entry(version=2))
    await storage.erase("p", "s")
    await storage.close()
    with plain(path) as connection:
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
from app.storage.sqlite import SQLiteStorage
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
