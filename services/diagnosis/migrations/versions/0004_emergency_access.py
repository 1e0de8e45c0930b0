"""Somebody may see a client for a while because of an emergency"""

from chassis.migrations import create_openings

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_openings("diagnosis")
