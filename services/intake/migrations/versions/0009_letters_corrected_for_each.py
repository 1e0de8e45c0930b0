"""A letter is corrected once for each of two who were taken for one; so two letters may correct the same one"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("uq_letters_corrects"), "letters", type_="unique")
    op.create_index(op.f("ix_letters_corrects"), "letters", ["corrects"])
