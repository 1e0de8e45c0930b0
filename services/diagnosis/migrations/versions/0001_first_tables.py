"""The first tables of diagnosis"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis.migrations import create_chassis_tables, enable_tenancy, fence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "diagnosis"
GRANTS = {
    "clients": "SELECT, INSERT, UPDATE",
    "merged_clients": "SELECT",
    "invitations": "SELECT, INSERT, UPDATE",
    "assessments": "SELECT, INSERT",
    "receipts": "SELECT, INSERT",
    "proposals": "SELECT, INSERT, UPDATE",
    "opened": "SELECT, INSERT",
    "categories": "SELECT, INSERT, UPDATE",
    "exemptions": "SELECT, INSERT, UPDATE",
    "indication_requests": "SELECT, INSERT, UPDATE",
    "travels": "SELECT",
    "policy_trials": "SELECT, INSERT, UPDATE",
    "policy_trial_moves": "SELECT, INSERT, DELETE",
}
# What a request may do with a table: an assessment, a receipt and who looked at what are never changed.


def upgrade() -> None:
    create_chassis_tables(SERVICE)
    op.create_table(
        "assessments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire", sa.Text(), nullable=False),
        sa.Column("questionnaire_version", sa.Text(), nullable=False),
        sa.Column("setting", sa.Text(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("barriers", postgresql.JSONB(), nullable=False),
        sa.Column("child_birth_date", sa.LargeBinary(), nullable=True),
        sa.Column("impression", sa.Text(), nullable=True),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("correction_reason", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
        sa.UniqueConstraint("corrects", name=op.f("uq_assessments_corrects")),
    )
    op.create_index(op.f("ix_assessments_client_id"), "assessments", ["client_id"], unique=False)
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("assessment_id", sa.Uuid(), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
    )
    op.create_index("ix_categories_client", "categories", ["client_id", "position"], unique=False)
    op.create_index(
        "uq_categories_current", "categories", ["client_id"], unique=True, postgresql_where=sa.text("until IS NULL")
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("age_band", sa.Text(), nullable=True),
        sa.Column("permit_holder", sa.Boolean(), nullable=True),
        sa.Column("without_benefit", sa.Boolean(), nullable=True),
        sa.Column("starting_qualification", sa.Boolean(), nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_index("ix_clients_caseload", "clients", ["municipality", "id"], postgresql_where=sa.text("ended IS NULL"))
    op.create_table(
        "exemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemptions")),
    )
    op.create_index(op.f("ix_exemptions_client_id"), "exemptions", ["client_id"], unique=False)
    op.create_index(
        "uq_exemptions_running", "exemptions", ["client_id"], unique=True, postgresql_where=sa.text("ended_on IS NULL")
    )
    op.create_table(
        "indication_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indication_requests")),
    )
    op.create_index(op.f("ix_indication_requests_client_id"), "indication_requests", ["client_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("invited_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_client_id"), "invitations", ["client_id"], unique=False)
    op.create_index(
        "ix_invitations_work_list",
        "invitations",
        ["invited_on", "id"],
        unique=False,
        postgresql_where=sa.text("closed_on IS NULL"),
    )
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["client_id", "reason"],
        unique=True,
        postgresql_where=sa.text("closed_on IS NULL"),
    )
    op.create_table(
        "merged_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("into", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_clients")),
    )
    op.create_index(op.f("ix_merged_clients_into"), "merged_clients", ["into"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_client_id"), "receipts", ["client_id"], unique=False)
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("caseworker_role", sa.Text(), nullable=True),
        sa.Column("referral_partner", sa.Text(), nullable=True),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("decided_category", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'overridden', 'superseded', 'corrected')", name=op.f("ck_proposals_state")
        ),
        sa.CheckConstraint("status IN ('decided', 'in_doubt', 'undecided')", name=op.f("ck_proposals_status")),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_proposals_assessment_id_assessments")
        ),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipts.id"], name=op.f("fk_proposals_receipt_id_receipts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("assessment_id", name=op.f("uq_proposals_assessment_id")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_proposals_receipt_id")),
    )
    op.create_index(op.f("ix_proposals_client_id"), "proposals", ["client_id"], unique=False)
    op.create_index("ix_proposals_state", "proposals", ["state", "id"], unique=False)
    op.create_index(
        "uq_proposals_open", "proposals", ["client_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "opened",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_opened_proposal_id_proposals")),
        sa.PrimaryKeyConstraint("proposal_id", "by", name=op.f("pk_opened")),
    )
    op.create_table(
        "travels",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_travels")),
    )
    op.create_index(op.f("ix_travels_client_id"), "travels", ["client_id"], unique=False)
    op.create_table(
        "policy_trials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.Column("draft", postgresql.JSONB(), nullable=False),
        sa.Column("present", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=True),
        sa.Column("clients_done", sa.Integer(), nullable=False),
        sa.Column("finished_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'finished', 'failed')", name=op.f("ck_policy_trials_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_trials")),
    )
    op.create_index(
        "ix_policy_trials_ahead",
        "policy_trials",
        ["id"],
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        "policy_trial_moves",
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["policy_trials.id"],
            name=op.f("fk_policy_trial_moves_trial_id_policy_trials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("trial_id", "position", name=op.f("pk_policy_trial_moves")),
    )
    for table, app in GRANTS.items():
        enable_tenancy(SERVICE, table, app=app)
    fence(SERVICE, "clients", "id")
    for table in (
        "invitations", "assessments", "receipts", "proposals", "categories", "exemptions", "indication_requests",
    ):  # fmt: skip
        fence(SERVICE, table)
