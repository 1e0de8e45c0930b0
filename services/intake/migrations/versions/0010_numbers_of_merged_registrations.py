"""A merged registration is found by its BSN, so that the client who stays is"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_clients_municipality_bsn_index_merged", "clients", ["municipality", "bsn_index"],
        postgresql_where=sa.text("state = 'merged'"),
    )  # fmt: skip
