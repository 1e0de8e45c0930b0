"""Hours a week have decimals: 28.5 was refused, and who works so many was entered with others"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("staff", "hours_per_week", type_=sa.Numeric(4, 2))
