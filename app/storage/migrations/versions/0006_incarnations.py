"""Name each incarnation of a session's id, so that tokens end with it; remember what the clock said."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    # Sessions from before have none, and so have their tokens: they stay good.
    op.add_column("sessions", sa.Column("nonce", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO clock (id, seen_at) SELECT 1, max(last_at) FROM sessions HAVING max(last_at) NOT NULL"
    )
