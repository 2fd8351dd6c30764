"""Brings a database to the newest revision, in one transaction.

Alembic takes a third of a second to import and most starts have nothing to migrate, so the stored revision is
compared first. A new revision is a file in `versions/` and a new `HEAD`, for Postgres one in `postgres/` and a new
`POSTGRES_HEAD`; a test holds each two together.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from app import errors

if TYPE_CHECKING:
    from alembic.config import Config

    from app.storage.postgres.connection import Connection

HEAD = "0010"
POSTGRES_HEAD = "p0002"
#: Whoever migrates a Postgres database has this advisory lock of it. The number is ours by chance.
_LOCK = 7_046_029_254_386_353_131


def stored_revision(connection: sqlite3.Connection) -> str | None:
    """The revision of the database, None for an empty one. Raises sqlite3.Error."""
    has_table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if has_table else None
    return row[0] if row else None


def migrate_sqlite(connection: sqlite3.Connection) -> None:
    """Upgrade to `HEAD`. `connection` must be in autocommit mode (isolation_level None).

    Raises StorageUnavailable for a revision this version does not know, sqlite3.Error or an SQLAlchemy error
    (its `orig` is the sqlite3 one) when the database does not work."""
    stored = stored_revision(connection)
    if stored == HEAD:
        return
    if stored is None and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise errors.StorageUnavailable("the file is another program's database, not SessionMood's")

    from alembic import command
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    config = alembic_config()
    _refuse_unknown(config, stored, HEAD)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    # The driver begins no transaction before DDL by itself; without one a kill would leave half a revision.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as shared:
            config.attributes["connection"] = shared
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from error


async def migrate_postgres(connection: "Connection") -> None:
    """Upgrade to `POSTGRES_HEAD`. Who starts at the same time waits for whoever came first.

    Raises StorageUnavailable for a revision this version does not know, or tables of somebody else's; asyncpg's errors.
    """
    if await _postgres_revision(connection) == POSTGRES_HEAD:
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        stored = await _postgres_revision(connection)
        if stored == POSTGRES_HEAD:
            return
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1 LIMIT 1"
        if stored is None and (theirs := await connection.fetchval(tables)) is not None:
            raise errors.StorageUnavailable(
                f"the schema has tables of another program, {theirs} for one: give SessionMood a database of its own"
            )
        await connection.execute(_postgres_script(stored))


async def _postgres_revision(connection: "Connection") -> str | None:
    # Not `to_regclass`: who asked before waits for the lock with its "no" in the server's cache, and would hear it again.
    known = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'alembic_version'"
    if await connection.fetchval(known) is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


def _postgres_script(stored: str | None) -> str:
    """The statements that lead from a revision to the newest."""
    import io

    from alembic import command

    config = alembic_config("postgres")
    config.output_buffer = script = io.StringIO()
    _refuse_unknown(config, stored, POSTGRES_HEAD)
    command.upgrade(config, f"{stored or 'base'}:head", sql=True)
    return script.getvalue()


def _refuse_unknown(config: "Config", stored: str | None, newest: str) -> None:
    from alembic.script import ScriptDirectory

    if stored is not None and stored not in {
        script.revision for script in ScriptDirectory.from_config(config).walk_revisions()
    }:
        raise errors.StorageUnavailable(
            f"the database is of revision {stored}, which this version of SessionMood does not know "
            f"(its newest is {newest}): a newer version wrote it; run that one, or restore a backup"
        )


def alembic_config(versions: str = "versions") -> "Config":
    """What `alembic` needs to find the revisions, without an ini file. `versions`: the folder they lie in."""
    from alembic.config import Config

    here = str(Path(__file__).parent).replace("%", "%%")
    config = Config()
    config.set_main_option("script_location", here)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{here}/{versions}")
    return config
