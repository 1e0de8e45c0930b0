"""How journeys end: by intake's word, on a ground, near pension age, and with what each exit stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journeys", sa.Column("registration_ended", sa.Text(), nullable=True))
    op.add_column("journeys", sa.Column("pension_by", sa.Date(), nullable=True))
    op.add_column("referrals", sa.Column("state_at_exit", sa.Text(), nullable=True))
    op.add_column("exits", sa.Column("ground", sa.Text(), nullable=True))
    op.add_column("instrument_uses", sa.Column("exit_id", sa.Uuid(), nullable=True))
    op.add_column("part_time_work", sa.Column("exit_id", sa.Uuid(), nullable=True))
