"""First tables."""

from alembic import op

from chassis.migrations import create_chassis_tables, enable_tenancy, fence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE open_house_partners (
    municipality text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    contact text,
    capacity integer CONSTRAINT ck_open_house_partners_capacity CHECK (capacity > 0),
    contract_from date NOT NULL,
    contract_to date,
    protocol jsonb,
    limits jsonb NOT NULL,
    purposes jsonb NOT NULL,
    registered_on date NOT NULL,
    registered_by text NOT NULL,
    CONSTRAINT pk_open_house_partners PRIMARY KEY (municipality, id)
);
CREATE TABLE clients (
    id uuid CONSTRAINT pk_clients PRIMARY KEY,
    municipality text NOT NULL,
    category text,
    track text,
    indications text[],
    conversation_option integer,
    stopped_on date,
    stopped_for_good boolean NOT NULL DEFAULT false
);
CREATE TABLE merged_clients (
    id uuid CONSTRAINT pk_merged_clients PRIMARY KEY,
    municipality text NOT NULL,
    "into" uuid NOT NULL
);
CREATE INDEX ix_merged_clients_into ON merged_clients ("into");
CREATE TABLE partner_groups (
    id uuid CONSTRAINT pk_partner_groups PRIMARY KEY,
    municipality text NOT NULL,
    partner text NOT NULL,
    formed_on date NOT NULL,
    formed_with integer NOT NULL,
    session_held_on date,
    attended uuid[]
);
CREATE INDEX ix_partner_groups_partner ON partner_groups (municipality, partner, formed_on);
CREATE TABLE referrals (
    id uuid CONSTRAINT pk_referrals PRIMARY KEY,
    municipality text NOT NULL,
    client_id uuid NOT NULL,
    partner text,
    partner_kind text NOT NULL,
    purpose text NOT NULL,
    rule text,
    state text NOT NULL CONSTRAINT ck_referrals_state CHECK (state IN ('requested', 'waiting', 'sent', 'acknowledged',
        'accepted', 'declined', 'started', 'held', 'ended', 'withdrawn')),
    requested_on date NOT NULL,
    requested_by text NOT NULL,
    group_id uuid
        CONSTRAINT fk_referrals_group_id_partner_groups REFERENCES partner_groups DEFERRABLE INITIALLY DEFERRED,
    sent_on date,
    sent_event uuid,
    since date NOT NULL,
    overdue_step text,
    outcome text,
    withdrawn_because text,
    steps integer NOT NULL
);
CREATE INDEX ix_referrals_client_id ON referrals (client_id);
CREATE INDEX ix_referrals_group_id ON referrals (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX ix_referrals_partner ON referrals (municipality, partner, requested_on, id);
CREATE INDEX ix_referrals_open ON referrals (municipality, partner, state)
    WHERE state NOT IN ('declined', 'ended', 'withdrawn');
CREATE TABLE referral_steps (
    id uuid CONSTRAINT pk_referral_steps PRIMARY KEY,
    municipality text NOT NULL,
    referral_id uuid NOT NULL
        CONSTRAINT fk_referral_steps_referral_id_referrals REFERENCES referrals DEFERRABLE INITIALLY DEFERRED,
    number integer NOT NULL,
    step text NOT NULL,
    "on" date NOT NULL,
    "by" text NOT NULL,
    reason text
);
CREATE INDEX ix_referral_steps_referral_id ON referral_steps (referral_id);
CREATE TABLE signals (
    id uuid CONSTRAINT pk_signals PRIMARY KEY,
    municipality text NOT NULL,
    referral_id uuid NOT NULL
        CONSTRAINT fk_signals_referral_id_referrals REFERENCES referrals DEFERRABLE INITIALLY DEFERRED,
    signal text NOT NULL,
    "on" date NOT NULL,
    "by" text NOT NULL
);
CREATE INDEX ix_signals_referral_id ON signals (referral_id);
CREATE TABLE endpoints (
    id uuid CONSTRAINT pk_endpoints PRIMARY KEY,
    municipality text NOT NULL,
    partner text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    state text NOT NULL CONSTRAINT ck_endpoints_state CHECK (state IN ('pending', 'active', 'disabled', 'removed')),
    secret bytea NOT NULL CONSTRAINT uq_endpoints_secret UNIQUE,
    old_secret bytea,
    old_secret_until timestamptz,
    access_token bytea,
    handshake_at timestamptz,
    consent text,
    rate integer,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    disabled_because text,
    registered_on date NOT NULL,
    registered_by text NOT NULL
);
CREATE INDEX ix_endpoints_partner ON endpoints (municipality, partner);
CREATE INDEX ix_endpoints_handshake ON endpoints (handshake_at) WHERE state = 'pending' AND handshake_at IS NOT NULL;
CREATE TABLE deliveries (
    id uuid CONSTRAINT pk_deliveries PRIMARY KEY,
    municipality text NOT NULL,
    endpoint_id uuid NOT NULL
        CONSTRAINT fk_deliveries_endpoint_id_endpoints REFERENCES endpoints DEFERRABLE INITIALLY DEFERRED,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    subject uuid NOT NULL,
    sequence integer NOT NULL,
    data jsonb NOT NULL,
    traceparent text,
    recorded_at timestamptz NOT NULL,
    body bytea,
    state text NOT NULL CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'delivered', 'exhausted')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    leased_until timestamptz,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    CONSTRAINT uq_deliveries_event UNIQUE (endpoint_id, event_id),
    CONSTRAINT ck_deliveries_pending CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX ix_deliveries_due ON deliveries (endpoint_id, next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX ix_deliveries_created ON deliveries (created_at, id);
CREATE INDEX ix_deliveries_exhausted ON deliveries (created_at, id) WHERE state = 'exhausted';
CREATE TABLE attempts (
    id uuid CONSTRAINT pk_attempts PRIMARY KEY,
    municipality text NOT NULL,
    delivery_id uuid NOT NULL
        CONSTRAINT fk_attempts_delivery_id_deliveries REFERENCES deliveries DEFERRABLE INITIALLY DEFERRED,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL,
    status integer,
    failure text,
    milliseconds integer NOT NULL,
    response text
);
CREATE INDEX ix_attempts_delivery_id ON attempts (delivery_id);
"""
TENANT_TABLES = (
    "open_house_partners", "clients", "merged_clients", "partner_groups", "referrals", "referral_steps", "signals",
    "endpoints", "deliveries", "attempts",
)  # fmt: skip


def upgrade() -> None:
    create_chassis_tables("partners")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in TENANT_TABLES:
        enable_tenancy("partners", table)
    fence("partners", "referrals")
