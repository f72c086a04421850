"""Everybody of an organization as a line that an index finds, and tallies of them.

The lines themselves are drawn by the clock, which looks for missing ones all the time.
"""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BY = {  # what lines are found by
    "lines_by_turn": ["organization_id", "turn", "since", "id"],
    "lines_by_name": ["organization_id", "name_key", "id"],
    "lines_by_rank": ["organization_id", "rank", "name_key", "id"],
    "lines_by_state": ["organization_id", "state", "turn", "since", "id"],
    "lines_by_step": ["organization_id", "done", "since"],
    "lines_by_address": ["organization_id", "email_key"],
}


def upgrade() -> None:
    op.create_table(
        "lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=True),
        sa.Column("invitation_id", sa.Integer(), nullable=True),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(membership_id IS NULL) <> (invitation_id IS NULL)",
            name=op.f("ck_lines_one_subject"),
        ),
        sa.CheckConstraint(
            "(membership_id IS NULL) = (rank IS NULL)", name=op.f("ck_lines_members_have_a_rank")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_lines_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name=op.f("fk_lines_membership_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_lines_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines")),
        sa.UniqueConstraint("membership_id", name=op.f("uq_lines_membership_id")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_lines_invitation_id")),
    )
    for name, columns in BY.items():
        op.create_index(name, "lines", columns)
    ended = sa.text("turn = 4")
    op.create_index("ended_lines", "lines", ["since"], postgresql_where=ended, sqlite_where=ended)
    op.create_table(
        "tallies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_tallies_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
    )
    op.create_index(op.f("ix_tallies_organization_id_what"), "tallies", ["organization_id", "what"])
    for what, which in (("seats", "state <> ''"), ("seats taken", "state = 'taken'")):
        op.execute(
            "INSERT INTO tallies (organization_id, what, number) "
            f"SELECT organization_id, '{what}', count(*) FROM seats WHERE {which} "
            "GROUP BY organization_id"
        )
    op.create_index(op.f("ix_steps_action_id"), "steps", ["action_id"])
    op.create_index("invitations_by_address", "invitations", ["organization_id", "email_key"])


def downgrade() -> None:
    op.drop_index("invitations_by_address", "invitations")
    op.drop_index(op.f("ix_steps_action_id"), "steps")
    op.drop_table("tallies")
    op.drop_table("lines")
