"""What intake says to be due stands on the work list"""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import enable_tenancy, fence

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake_duties",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["journeys.client_id"], name=op.f("fk_intake_duties_client_id_journeys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_duties")),
    )
    op.create_index(op.f("ix_intake_duties_client_id"), "intake_duties", ["client_id"], unique=False)
    enable_tenancy("routing", "intake_duties", app="SELECT, UPDATE")
    fence("routing", "intake_duties")
