"""Who was told to be near pension age, and in which month, so that it is told once and taken back when it was wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("pension_told", sa.Date(), nullable=True))
