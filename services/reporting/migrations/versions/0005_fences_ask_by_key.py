"""Who guides a client is looked up by key, and who is in a team by an index: a list answers in a city as in a town"""

from chassis.migrations import fence_anew, index_teams

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fence_anew()
    index_teams()
