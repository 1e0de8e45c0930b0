"""What an assessment and a decision correct stands with the happenings that were counted before this was looked at"""

from alembic import op

from chassis.migrations import rows_of_all

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with rows_of_all("happenings"):
        op.execute(_CORRECTS)


_CORRECTS = """
UPDATE happenings SET corrects = (said ->> 'corrects')::uuid
WHERE kind IN ('AssessmentCompleted', 'ClientCategorised') AND said ->> 'corrects' IS NOT NULL
"""
