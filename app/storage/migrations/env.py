"""Alembic runs this file; the connection is the one `migrate_sqlite` was given."""

from alembic import context

from app.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Alembic holds SQLite's DDL for not transactional because of the driver's old habits; ours begins itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
