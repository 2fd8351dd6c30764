"""Brings a database to the newest revision, in one transaction.

Alembic takes a third of a second to import and most starts have nothing to migrate, so the stored revision is
compared first. A new revision is a file in `versions/` and a new `HEAD`; a test holds the two together.
"""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from app import errors

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0010"


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
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    config = alembic_config()
    if stored is not None and stored not in {
        script.revision for script in ScriptDirectory.from_config(config).walk_revisions()
    }:
        raise errors.StorageUnavailable(
            f"the database is of revision {stored}, which this version of SessionMood does not know "
            f"(its newest is {HEAD}): a newer version wrote it; run that one, or restore a backup"
        )
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    # The driver begins no transaction before DDL by itself; without one a kill would leave half a revision.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as shared:
            config.attributes["connection"] = shared
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from error


def alembic_config() -> "Config":
    """What `alembic` needs to find the revisions, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
