"""Remember how far a page load had come after its session's state has dropped it.

What was dropped before stays forgotten: the log has it, but nothing to find it by.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade():
    op.create_table(
        "producers",
        sa.Column("session_id", Id, sa.ForeignKey("sessions.id"), primary_key=True, autoincrement=False),
        sa.Column("producer", sa.Text, primary_key=True),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("reports", sa.BigInteger, nullable=False),
    )
