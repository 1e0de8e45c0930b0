"""A language test that was not passed after an exit is kept, for when that exit turns out to be a mistake"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journeys", sa.Column("language_failed_on", sa.Date))
