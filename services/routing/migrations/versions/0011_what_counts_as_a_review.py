"""What is due is met by a conversation of its kind: the day on which somebody was seen is not kept any more"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("journeys", "seen_on")
