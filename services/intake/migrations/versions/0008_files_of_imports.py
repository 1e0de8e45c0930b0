"""How far a caseload file was taken in, so that a cut import goes on where it was; and its rows are counted"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis.migrations import enable_tenancy

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SERVICE = "intake"


def upgrade() -> None:
    op.add_column("caseload_imports", sa.Column("rows", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("caseload_imports", "rows", server_default=None)
    op.create_table(
        "caseload_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("municipalities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("read", sa.LargeBinary(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caseload_files")),
    )
    op.create_index("ix_caseload_files_digest", "caseload_files", ["digest"], postgresql_where=sa.text("NOT finished"))
    enable_tenancy(SERVICE, "caseload_files")
