"""Who guides a client is looked up by key, and who is in a team by an index: a list answers in a city as in a town"""

from alembic import op

from chassis.migrations import fence_anew, index_teams

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fence_anew()
    index_teams()
    op.create_index("ix_staff_team", "staff", ["municipality", "team"])
    op.create_index("ix_staff_manages", "staff", ["manages"], postgresql_using="gin")
