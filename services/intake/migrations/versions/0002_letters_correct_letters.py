"""A letter says what it tells of, and which earlier one it corrects; a standing knows of a letter that was wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LETTER = {"tells_of": sa.Uuid(), "track": sa.Text(), "caseworker_id": sa.Text(), "caseworker_role": sa.Text()}
STANDING = {"exit_id": sa.Uuid(), "assessment_id": sa.Uuid(), "named_role": sa.Text(), "wrong_letter_id": sa.Uuid()}


def upgrade() -> None:
    op.add_column("letters", sa.Column("corrects", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_letters_corrects_letters"), "letters", "letters", ["corrects"], ["id"])
    op.create_unique_constraint(op.f("uq_letters_corrects"), "letters", ["corrects"])
    for name, kind in LETTER.items():
        op.add_column("letters", sa.Column(name, kind, nullable=True))
    for name, kind in STANDING.items():
        op.add_column("standings", sa.Column(name, kind, nullable=True))
