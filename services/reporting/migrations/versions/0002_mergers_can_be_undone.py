"""A merger can be undone: what it did is remembered, and an event tells because of which merger it was said."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import add_mergers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERVICE = "reporting"


def upgrade() -> None:
    add_mergers(SERVICE)
    op.add_column("happenings", sa.Column("cause", sa.Uuid(), nullable=True))
    op.create_index("ix_happenings_cause", "happenings", ["cause"], postgresql_where=sa.text("cause IS NOT NULL"))
