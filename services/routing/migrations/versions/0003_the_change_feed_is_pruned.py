"""The change feed is pruned, and tells of the staff as well"""

from alembic import op

from chassis.migrations import create_feed_floors

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("client_changes", "client_id", nullable=True)
    op.drop_index("ix_client_changes_client", "client_changes")
    create_feed_floors("routing")
