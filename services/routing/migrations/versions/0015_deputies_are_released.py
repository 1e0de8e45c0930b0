"""A deputy can be released, and an absence that was entered by mistake cancelled"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("absences", sa.Column("deputy_released_on", sa.Date))
    op.add_column("absences", sa.Column("cancelled_on", sa.Date))
    op.add_column("absences", sa.Column("cancelled_because", sa.Text))
