"""Who is gone by intake's word, when a referral was asked, messages that are called back, and groups that change."""

from alembic import op

from chassis.migrations import rows_of_all

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = """
ALTER TABLE clients ADD COLUMN registration_ended text;
UPDATE clients SET registration_ended = 'deceased' WHERE stopped_for_good;
ALTER TABLE clients DROP COLUMN stopped_for_good;
ALTER TABLE referrals ADD COLUMN requested_at timestamptz;
UPDATE referrals SET requested_at = requested_on;
ALTER TABLE referrals ALTER COLUMN requested_at SET NOT NULL;
ALTER TABLE partner_groups ADD COLUMN changes integer NOT NULL DEFAULT 0;
CREATE INDEX ix_partner_groups_open ON partner_groups (municipality, partner) WHERE session_held_on IS NULL;
ALTER TABLE deliveries DROP CONSTRAINT ck_deliveries_state;
ALTER TABLE deliveries ADD CONSTRAINT ck_deliveries_state
    CHECK (state IN ('pending', 'delivered', 'exhausted', 'called_back'));
CREATE INDEX ix_deliveries_subject ON deliveries (subject) WHERE state IN ('pending', 'exhausted')
"""


def upgrade() -> None:
    with rows_of_all("clients", "referrals"):
        for statement in CHANGES.split(";\n"):
            op.execute(statement)
