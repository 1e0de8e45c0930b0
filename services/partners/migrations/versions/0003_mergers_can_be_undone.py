"""A merger can be undone: what it did is remembered, and an event tells because of which merger it was said."""

from chassis.migrations import add_mergers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERVICE = "partners"


def upgrade() -> None:
    add_mergers(SERVICE)
