"""A registration that ended by mistake is restored, with what its end closed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("restored_because", sa.LargeBinary(), nullable=True))
    op.add_column("clients", sa.Column("moved_to", sa.Text(), nullable=True))
    op.add_column("notifications", sa.Column("ended_on", sa.Date(), nullable=True))
