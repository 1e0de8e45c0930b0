"""The step of the ladder that follows an agreement that was not kept stands on the work list"""

from uuid import uuid5

import sqlalchemy as sa
from alembic import op

from chassis.migrations import rows_of_all

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHAT = "ladder_step"
MISSED = """
    SELECT a.id AS ref, j.client_id, j.municipality, j.caseworker_id, j.caseworker_role AS role,
           a.missed_on AS since, a.missed_on AS urgent_on, a.step AS state
    FROM agreements a JOIN journeys j USING (client_id)
    WHERE j.state = 'active' AND a.missed_on IS NOT NULL AND a.step_taken_on IS NULL AND a.corrected_on IS NULL
"""
ITEM = """
    INSERT INTO work_items
        (id, client_id, municipality, kind, what, ref, since, urgent_on, state, caseworker_id, role)
    VALUES
        (:id, :client_id, :municipality, 'to_confirm', :what, :ref, :since, :urgent_on, :state, :caseworker_id, :role)
"""


def upgrade() -> None:
    with rows_of_all("agreements", "journeys", "work_items"):
        connection = op.get_bind()
        missed = connection.execute(sa.text(MISSED)).mappings().all()
        items = [{**each, "id": uuid5(each["ref"], WHAT), "what": WHAT} for each in missed]
        if items:
            connection.execute(sa.text(ITEM), items)
