"""Lists of a page and a mood need not look through all of the page's sessions."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_index("ix_sessions_page", "sessions")
    op.create_index("ix_sessions_page", "sessions", ["project", "page", "mood", "last_at", "id"])
