"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def session_id(**options):
    return sa.Column("session_id", Id, sa.ForeignKey("sessions.id"), nullable=False, **options)


def upgrade():
    op.create_table(
        "sessions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("event_count", sa.BigInteger, nullable=False),
        sa.Column("mood", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("suggested_action", sa.Text, nullable=False),
        sa.Column("page", sa.Text),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("publishable", sa.Boolean, nullable=False),
    )
    op.create_index("ix_sessions_name", "sessions", ["project", "session"], unique=True)
    op.create_index("ix_sessions_recent", "sessions", ["project", "last_at", "id"])
    op.create_index("ix_sessions_mood", "sessions", ["project", "mood", "last_at", "id"])
    op.create_index("ix_sessions_page", "sessions", ["project", "page", "last_at", "id", "mood"])
    op.create_index(
        "ix_sessions_due",
        "sessions",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "log",
        sa.Column("id", Id, primary_key=True),
        session_id(),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("producer", sa.Text),
        sa.Column("first_seq", sa.BigInteger),
        sa.Column("last_seq", sa.BigInteger),
        sa.Column("reports", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_log_session", "log", ["session_id", "version"], unique=True)
    op.create_table(
        "snapshots",
        session_id(primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("id", Id, primary_key=True),
        session_id(),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("mood", sa.Text, nullable=False),
        sa.Column("previous", sa.Text),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("suggested_action", sa.Text, nullable=False),
        sa.Column("signals", sa.Text, nullable=False),
        sa.Column("event_count", sa.BigInteger, nullable=False),
        sa.Column("page", sa.Text),
    )
    op.create_index("ix_changes_session", "changes", ["session_id", "at", "mood"], unique=True)
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("monthly_sessions", sa.BigInteger),
        sa.Column("events_per_second", sa.Float),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "quotas",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("month", sa.Text, primary_key=True),
        sa.Column("used", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "quota_sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("month", sa.Text, primary_key=True),
    )
    op.create_table(
        "probe",
        sa.Column("id", Id, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
