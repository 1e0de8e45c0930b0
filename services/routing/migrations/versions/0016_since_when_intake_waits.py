"""What intake waits for is known from the first day of its term, and not from the last"""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import rows_of_all

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intake_duties", sa.Column("since", sa.Date))
    with rows_of_all("intake_duties"):
        op.execute("UPDATE intake_duties SET since = due_on")
    op.alter_column("intake_duties", "since", nullable=False)
