"""A merger can be undone: what it did is remembered, and an event tells because of which merger it was said."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import add_mergers, enable_tenancy, fence

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVICE = "intake"


def upgrade() -> None:
    add_mergers(SERVICE, by_request=True)
    op.create_table(
        "mergers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("into", sa.Uuid(), nullable=False),
        sa.Column("merged_on", sa.Date(), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("undo_until", sa.Date(), nullable=True),
        sa.Column("undone_on", sa.Date(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_because", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_mergers_client_id_clients")),
        sa.ForeignKeyConstraint(["into"], ["clients.id"], name=op.f("fk_mergers_into_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mergers")),
    )
    op.create_index(op.f("ix_mergers_client_id"), "mergers", ["client_id"], unique=False)
    op.create_index(op.f("ix_mergers_into"), "mergers", ["into"], unique=False)
    enable_tenancy(SERVICE, "mergers")
    fence(SERVICE, "mergers", '"into"')
