"""A client is given to a colleague by hand, also one who had no caseworker"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("transfers", "from_id", nullable=True)
