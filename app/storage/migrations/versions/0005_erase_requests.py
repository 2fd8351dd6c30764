"""Let a command ask the running server to erase a session."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "erase_requests",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("session", sa.Text, primary_key=True),
    )
