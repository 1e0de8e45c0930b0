"""Who prepared the file of a handover is known: that person does not accept it as well"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("handovers", sa.Column("prepared_by", sa.Text))
