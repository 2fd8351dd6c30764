"""Remember what is usual for each element of a project's pages."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "elements",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("visitors", sa.Float, nullable=False),
        sa.Column("clicks", sa.Float, nullable=False),
        sa.Column("runs", sa.Float, nullable=False),
        sa.Column("answered", sa.Float, nullable=False),
        sa.Column("dead", sa.Float, nullable=False),
        sa.Column("waited", sa.Float, nullable=False),
    )
