"""Intake and routing both end journeys, and both take that back: what each says is kept apart."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import rows_of_all

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("registration_ended", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("registration_ended_on", sa.Date(), nullable=True))
    op.add_column("clients", sa.Column("exited_on", sa.Date(), nullable=True))
    with rows_of_all("clients"):
        op.execute(
            "UPDATE clients SET registration_ended = CASE WHEN ended <> 'exited' THEN ended END,"
            " registration_ended_on = CASE WHEN ended <> 'exited' THEN ended_on END,"
            " exited_on = CASE WHEN ended <> 'undone' THEN ended_on END WHERE ended IS NOT NULL"
        )
