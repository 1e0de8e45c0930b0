"""A member of staff has a version, so that two who change the same person do not undo each other's work"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff", sa.Column("version", sa.Integer, nullable=False, server_default="1"))
