"""Decisions of diagnosis are kept, so that a correction can take the place of one; and where one asks a client to go"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis.migrations import enable_tenancy, fence, rows_of_all

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("track_since", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("told", postgresql.JSONB(), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=True),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_decisions_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index(op.f("ix_decisions_client_id"), "decisions", ["client_id"], unique=False)
    enable_tenancy("routing", "decisions", app="SELECT, INSERT, UPDATE")
    fence("routing", "decisions")
    for name, kind in (
        ("asked_track", sa.Text()), ("asked_since", sa.Date()), ("asked_reason", sa.Text()), ("asked_by", sa.Text())
    ):  # fmt: skip
        op.add_column("journeys", sa.Column(name, kind, nullable=True))
    op.add_column("handovers", sa.Column("acceptance_id", sa.Uuid(), nullable=True))
    with rows_of_all("journeys", "handovers", "decisions"):
        op.execute(_ASKED)
        op.execute(_DECIDED)


# A handover under way because of a decision is what that decision asks for.
_ASKED = """
UPDATE journeys SET asked_track = h.to_track, asked_since = h.due_on, asked_reason = h.reason, asked_by = h.entered_by
FROM handovers h
WHERE h.client_id = journeys.client_id AND h.state IN ('due', 'prepared', 'returned') AND h.reason <> 'longest_stay'
"""
# What is known of the past is where clients stand now.
_DECIDED = """
INSERT INTO decisions (id, municipality, entered_by, client_id, decided_on, category, track, track_since, told, void)
SELECT gen_random_uuid(), municipality, 'import', client_id, coalesce(category_since, track_since), category, track,
    track_since, '{}', false
FROM journeys WHERE track IS NOT NULL AND track_since IS NOT NULL
"""
