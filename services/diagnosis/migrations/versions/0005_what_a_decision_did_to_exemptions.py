"""Of an exemption it is known which decision granted it, and which ended it: a correction takes both back"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("assessment_id", "ended_by"):
        op.add_column("exemptions", sa.Column(name, sa.Uuid(), nullable=True))
        op.create_index(op.f(f"ix_exemptions_{name}"), "exemptions", [name], unique=False)
