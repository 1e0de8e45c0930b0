"""The first tables of routing"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis.migrations import create_chassis_tables, enable_tenancy, fence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SERVICE = "routing"
GRANTS = {
    "absences": "SELECT, INSERT, UPDATE",
    "agreements": "SELECT, INSERT, UPDATE",
    "conversations": "SELECT, INSERT, UPDATE",
    "exits": "SELECT, INSERT, UPDATE",
    "handovers": "SELECT, INSERT, UPDATE",
    "instrument_uses": "SELECT, INSERT, UPDATE",
    "journeys": "SELECT, INSERT, UPDATE",
    "measures": "SELECT, INSERT",
    "part_time_work": "SELECT, INSERT, UPDATE",
    "referrals": "SELECT, INSERT, UPDATE",
    "routes": "SELECT, INSERT, UPDATE",
    "staff": "SELECT, INSERT, UPDATE",
    "suspensions": "SELECT, INSERT, UPDATE",
    "transfers": "SELECT, INSERT",
    "merged_clients": "SELECT",
    "partner_signals": "SELECT",
    "work_items": "SELECT, INSERT, UPDATE, DELETE",
    "client_changes": "SELECT, INSERT",
}
# What a request may do with a table; mergers, erasure and partners' signals come by events.


def upgrade() -> None:
    create_chassis_tables(SERVICE)
    op.create_table(
        "journeys",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("household_kind", sa.Text(), nullable=True),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("track_since", sa.Date(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("category_since", sa.Date(), nullable=True),
        sa.Column("age_band", sa.Text(), nullable=True),
        sa.Column("starting_qualification", sa.Boolean(), nullable=True),
        sa.Column("permit_holder", sa.Boolean(), nullable=True),
        sa.Column("without_benefit", sa.Boolean(), nullable=True),
        sa.Column("prospect_of_work", sa.Boolean(), nullable=True),
        sa.Column("indications", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("exempted_until", sa.Date(), nullable=True),
        sa.Column("exempted_permanently", sa.Boolean(), nullable=False),
        sa.Column("caseworker_id", sa.Text(), nullable=True),
        sa.Column("caseworker_role", sa.Text(), nullable=True),
        sa.Column("waiting_since", sa.Date(), nullable=True),
        sa.Column("waiting_occasion", sa.Text(), nullable=True),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("proposed_on", sa.Date(), nullable=True),
        sa.Column("spoken_on", sa.Date(), nullable=True),
        sa.Column("seen_on", sa.Date(), nullable=True),
        sa.Column("spoken_before_on", sa.Date(), nullable=True),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'exited', 'undone', 'merged')", name=op.f("ck_journeys_state")),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_journeys")),
    )
    op.create_index(
        "ix_journeys_caseload",
        "journeys",
        ["caseworker_id"],
        unique=False,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "ix_journeys_waiting",
        "journeys",
        ["waiting_since", "client_id"],
        unique=False,
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    op.create_table(
        "merged_clients",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_merged_clients")),
    )
    op.create_index(op.f("ix_merged_clients_survivor_id"), "merged_clients", ["survivor_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("hours_per_week", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("manages", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("hours_per_week > 0", name=op.f("ck_staff_hours")),
        sa.PrimaryKeyConstraint("id", "municipality", name=op.f("pk_staff")),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("deputy_id", sa.Text(), nullable=True),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_absences_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("ix_absences_staff", "absences", ["municipality", "staff_id"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("to_id", sa.Text(), nullable=True),
        sa.Column("transferred_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_transfers_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index(op.f("ix_transfers_client_id"), "transfers", ["client_id"], unique=False)
    op.create_table(
        "agreements",
        sa.Column("agreed", sa.Text(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("continues_id", sa.Uuid(), nullable=True),
        sa.Column("kept_on", sa.Date(), nullable=True),
        sa.Column("continued_on", sa.Date(), nullable=True),
        sa.Column("missed_on", sa.Date(), nullable=True),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("step_taken_on", sa.Date(), nullable=True),
        sa.Column("reopened_because", sa.Text(), nullable=True),
        sa.Column("answered_in", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("corrected_on", sa.Date(), nullable=True),
        sa.Column("corrected_because", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_agreements_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
    )
    op.create_index(op.f("ix_agreements_client_id"), "agreements", ["client_id"], unique=False)
    op.create_table(
        "conversations",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=True),
        sa.Column("face_to_face", sa.Boolean(), nullable=False),
        sa.Column("home_visit", sa.Boolean(), nullable=False),
        sa.Column("areas", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("corrected_on", sa.Date(), nullable=True),
        sa.Column("corrected_because", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["journeys.client_id"], name=op.f("fk_conversations_client_id_journeys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(op.f("ix_conversations_client_id"), "conversations", ["client_id"], unique=False)
    op.create_table(
        "exits",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("exited_on", sa.Date(), nullable=False),
        sa.Column("aftercare", sa.Text(), nullable=True),
        sa.Column("aftercare_until", sa.Date(), nullable=True),
        sa.Column("allowances_check", sa.Text(), nullable=True),
        sa.Column("reverted_on", sa.Date(), nullable=True),
        sa.Column("reverted_because", sa.Text(), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_exits_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exits")),
    )
    op.create_index(op.f("ix_exits_client_id"), "exits", ["client_id"], unique=False)
    op.create_table(
        "handovers",
        sa.Column("from_track", sa.Text(), nullable=False),
        sa.Column("to_track", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("prepared_on", sa.Date(), nullable=True),
        sa.Column("accept_by", sa.Date(), nullable=True),
        sa.Column("escalated_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("exit_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('due', 'prepared', 'returned', 'accepted', 'cancelled')", name=op.f("ck_handovers_state")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_handovers_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(op.f("ix_handovers_client_id"), "handovers", ["client_id"], unique=False)
    op.create_index("ix_handovers_state", "handovers", ["state", "due_on", "id"], unique=False)
    op.create_table(
        "instrument_uses",
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("cost", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("ends_by", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["journeys.client_id"], name=op.f("fk_instrument_uses_client_id_journeys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument_uses")),
    )
    op.create_index(op.f("ix_instrument_uses_client_id"), "instrument_uses", ["client_id"], unique=False)
    op.create_table(
        "measures",
        sa.Column("agreement_id", sa.Uuid(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("percentage", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_measures_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measures")),
    )
    op.create_index(op.f("ix_measures_client_id"), "measures", ["client_id"], unique=False)
    op.create_table(
        "part_time_work",
        sa.Column("month_from", sa.Date(), nullable=False),
        sa.Column("hours_per_week", sa.Integer(), nullable=False),
        sa.Column("income_per_month", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("corrected_on", sa.Date(), nullable=True),
        sa.Column("corrected_because", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["journeys.client_id"], name=op.f("fk_part_time_work_client_id_journeys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_time_work")),
    )
    op.create_index(op.f("ix_part_time_work_client_id"), "part_time_work", ["client_id"], unique=False)
    op.create_table(
        "partner_signals",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("signalled_on", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["journeys.client_id"], name=op.f("fk_partner_signals_client_id_journeys")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_signals")),
    )
    op.create_index(op.f("ix_partner_signals_client_id"), "partner_signals", ["client_id"], unique=False)
    op.create_table(
        "referrals",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("partner_kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.Date(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("overdue_step", sa.Text(), nullable=True),
        sa.Column("overdue_on", sa.Date(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("session_on", sa.Date(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("exit_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_referrals_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    op.create_index(op.f("ix_referrals_client_id"), "referrals", ["client_id"], unique=False)
    op.create_table(
        "routes",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("suspended_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("exit_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_routes_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
    )
    op.create_index(op.f("ix_routes_client_id"), "routes", ["client_id"], unique=False)
    op.create_table(
        "suspensions",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("goes_on_from", sa.Date(), nullable=True),
        sa.Column("exemption_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_suspensions_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    op.create_index(op.f("ix_suspensions_client_id"), "suspensions", ["client_id"], unique=False)
    op.create_table(
        "work_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("urgent_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("caseworker_id", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["journeys.client_id"], name=op.f("fk_work_items_client_id_journeys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_items")),
    )
    op.create_index(op.f("ix_work_items_client_id"), "work_items", ["client_id"], unique=False)
    op.create_index("ix_work_items_order", "work_items", ["municipality", "urgent_on", "id"], unique=False)
    op.create_index(
        "ix_work_items_role", "work_items", ["municipality", "what", "role", "urgent_on", "id"], unique=False
    )
    op.create_index("ix_work_items_kind", "work_items", ["municipality", "kind", "urgent_on", "id"], unique=False)
    op.create_index(
        "ix_work_items_caseworker", "work_items", ["municipality", "caseworker_id", "kind", "urgent_on", "id"],
        unique=False,
    )  # fmt: skip
    op.create_table(
        "client_changes",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("caseworkers", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_client_changes")),
    )
    op.create_index("ix_client_changes_client", "client_changes", ["client_id", "position"], unique=False)
    for table, app in GRANTS.items():
        enable_tenancy(SERVICE, table, app=app)
        if table not in {
            "staff",
            "absences",
            "merged_clients",
            "client_changes",
        }:  # these name no client, or only an id
            fence(SERVICE, table)
