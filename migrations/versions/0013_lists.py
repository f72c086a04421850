"""Lists of addresses as errands, and errands that are given up."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tries = sa.Column("tries", sa.Integer(), nullable=False, server_default="0")
    op.add_column("errands", tries)
    op.add_column("errands", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("written", sa.String(), nullable=True))
        cases.add_column(sa.Column("place", sa.Integer(), nullable=True))
        cases.drop_constraint(op.f("ck_cases_one_subject"), type_="check")
        cases.create_check_constraint(
            op.f("ck_cases_one_subject"),
            "(membership_id IS NULL) <> (invitation_id IS NULL AND written IS NULL)",
        )


def downgrade() -> None:
    op.execute("DELETE FROM cases WHERE written IS NOT NULL")
    with op.batch_alter_table("cases") as cases:
        cases.drop_constraint(op.f("ck_cases_one_subject"), type_="check")
        cases.create_check_constraint(
            op.f("ck_cases_one_subject"), "(membership_id IS NULL) <> (invitation_id IS NULL)"
        )
        cases.drop_column("place")
        cases.drop_column("written")
    op.drop_column("errands", "due_at")
    op.drop_column("errands", "tries")
