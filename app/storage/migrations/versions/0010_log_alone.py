"""The log alone says how far a page load has come."""

from alembic import op

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_table("producers")
