"""The first tables of intake."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import create_chassis_tables, enable_tenancy, fence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "intake"
DELETED_IN_REQUESTS = ("search_tokens", "standings", "attendances", "awaited_letters", "imported_cases")
# A correction or a merger takes these rows away; nothing else is ever deleted in a request.
TABLES = (
    "audit_entries",
    "awaited_letters",
    "caseload_imports",
    "clients",
    "information_sessions",
    "refused_lines",
    "standings",
    "applications",
    "attendances",
    "imported_cases",
    "intakes",
    "integration_plans",
    "language_tests",
    "letters",
    "notifications",
    "search_tokens",
)


def upgrade() -> None:
    create_chassis_tables(SERVICE)
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_client_id_at", "audit_entries", ["client_id", "at"], unique=False)
    op.create_table(
        "awaited_letters",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("awaits", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "kind", name=op.f("pk_awaited_letters")),
    )
    op.create_table(
        "caseload_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("registered", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", "municipality", name=op.f("pk_caseload_imports")),
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("household_kind", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("permit_holder", sa.Boolean(), nullable=False),
        sa.Column("housed_on", sa.Date(), nullable=True),
        sa.Column("without_benefit", sa.Boolean(), nullable=False),
        sa.Column("starting_qualification", sa.Boolean(), nullable=True),
        sa.Column("secret_address", sa.Boolean(), nullable=False),
        sa.Column("age_band", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("bsn_index", sa.LargeBinary(), nullable=False),
        sa.Column("partner_index", sa.LargeBinary(), nullable=True),
        sa.Column("bsn", sa.LargeBinary(), nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=True),
        sa.Column("prefix", sa.LargeBinary(), nullable=True),
        sa.Column("family", sa.LargeBinary(), nullable=False),
        sa.Column("birth_date", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.LargeBinary(), nullable=True),
        sa.Column("undone_because", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_index("ix_clients_merged_into", "clients", ["merged_into"], unique=False)
    op.create_index("ix_clients_municipality_partner_index", "clients", ["municipality", "partner_index"], unique=False)
    op.create_index(
        "uq_clients_municipality_bsn_index",
        "clients",
        ["municipality", "bsn_index"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('merged', 'undone')"),
    )
    op.create_table(
        "information_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_information_sessions")),
    )
    op.create_index(
        "ix_information_sessions_municipality_held_on",
        "information_sessions",
        ["municipality", "held_on"],
        unique=False,
    )
    op.create_table(
        "refused_lines",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_lines")),
    )
    op.create_index("ix_refused_lines_import_id_line", "refused_lines", ["import_id", "line"], unique=False)
    op.create_table(
        "standings",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("diagnosed_on", sa.Date(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("caseworker_id", sa.Text(), nullable=True),
        sa.Column("caseworker_role", sa.Text(), nullable=True),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("exited_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_standings")),
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("short_form", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("benefit_from", sa.Date(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_applications_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_client_id", "applications", ["client_id"], unique=False)
    op.create_table(
        "attendances",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("attended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_attendances_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["information_sessions.id"], name=op.f("fk_attendances_session_id_information_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", "client_id", name=op.f("pk_attendances")),
    )
    op.create_index("ix_attendances_client_id", "attendances", ["client_id"], unique=False)
    op.create_table(
        "imported_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("benefit_from", sa.Date(), nullable=True),
        sa.Column("exited_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_imported_cases_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_cases")),
    )
    op.create_index(
        "uq_imported_cases_client_id_benefit_from",
        "imported_cases",
        ["client_id", "benefit_from"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "intakes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("signals", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("language_proof", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_intakes_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intakes")),
    )
    op.create_index("ix_intakes_client_id", "intakes", ["client_id"], unique=False)
    op.create_table(
        "integration_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_integration_plans_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integration_plans")),
    )
    op.create_index("ix_integration_plans_client_id", "integration_plans", ["client_id"], unique=False)
    op.create_table(
        "language_tests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_language_tests_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_language_tests")),
    )
    op.create_index("ix_language_tests_client_id", "language_tests", ["client_id"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("pack_digest", sa.Text(), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_letters_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
    )
    op.create_index("ix_letters_client_id", "letters", ["client_id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("diverted_to", sa.Text(), nullable=True),
        sa.Column("diverted_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_notifications_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("ix_notifications_client_id", "notifications", ["client_id"], unique=False)
    op.create_table(
        "search_tokens",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_search_tokens_client_id_clients")),
        sa.PrimaryKeyConstraint("client_id", "token", name=op.f("pk_search_tokens")),
    )
    op.create_index("ix_search_tokens_municipality_token", "search_tokens", ["municipality", "token"], unique=False)
    for table in TABLES:
        if table in DELETED_IN_REQUESTS:
            enable_tenancy(SERVICE, table, app="SELECT, INSERT, UPDATE, DELETE")
        elif table == "audit_entries":
            enable_tenancy(SERVICE, table, app="INSERT", background="SELECT, INSERT")
        else:
            enable_tenancy(SERVICE, table)
    fence(SERVICE, "clients", "id")
    for table in (
        "standings", "applications", "attendances", "intakes", "integration_plans", "language_tests", "letters",
        "notifications",
    ):  # fmt: skip
        fence(SERVICE, table)
