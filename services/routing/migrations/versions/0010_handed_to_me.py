"""What waits for acceptance is handed over, and all that is overdue is found at once, of whatever kind"""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import rows_of_all

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with rows_of_all("work_items"):
        op.execute("UPDATE work_items SET kind = 'handed_over' WHERE what = 'acceptance'")
    dated = sa.text("due_on IS NOT NULL")
    op.create_index("ix_work_items_due", "work_items", ["municipality", "urgent_on", "id"], postgresql_where=dated)
