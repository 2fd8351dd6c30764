"""Remember that erased data is still to be wiped."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade():
    op.create_table(
        "wipes",
        sa.Column("id", Id, primary_key=True, autoincrement=False),
        sa.Column("erasures", sa.BigInteger, nullable=False),
    )
