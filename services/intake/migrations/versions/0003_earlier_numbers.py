"""The numbers under which somebody was registered before they were corrected."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import enable_tenancy, fence

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERVICE, TABLE = "intake", "earlier_numbers"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("client_id", sa.Uuid(), sa.ForeignKey("clients.id"), nullable=False),
        sa.Column("bsn_index", sa.LargeBinary(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "bsn_index", name=op.f("pk_earlier_numbers")),
    )
    op.create_index("ix_earlier_numbers_municipality_bsn_index", TABLE, ["municipality", "bsn_index"])
    enable_tenancy(SERVICE, TABLE, app="SELECT, INSERT, UPDATE, DELETE")
    fence(SERVICE, TABLE)
