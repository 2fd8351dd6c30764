"""Alembic runs this file. For SQLite the connection is the one `migrate_sqlite` was given; for Postgres the statements
are only written down, and `migrate_postgres` runs them."""

from alembic import context

from app.storage.schema import metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", transactional_ddl=False, literal_binds=True)
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        # Alembic holds SQLite's DDL for not transactional because of the driver's old habits; ours begins itself.
        transactional_ddl=True,
    )
with context.begin_transaction():
    context.run_migrations()
