"""Errands: one deed done to many people, with an outcome for each."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0007"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = ("planned", "running", "done", "stopped", "dropped")


def upgrade() -> None:
    op.create_table(
        "errands",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state <> 'running' OR action_id IS NOT NULL",
            name=op.f("ck_errands_begun_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_errands_organization_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["accounts.id"], name=op.f("fk_errands_by_id")),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("fk_errands_action_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
    )
    op.create_index(op.f("ix_errands_organization_id_id"), "errands", ["organization_id", "id"])
    for name, column, state in (
        ("running_errands", "id", "running"),
        ("planned_errands", "since", "planned"),
    ):
        which = sa.text(f"state = '{state}'")
        op.create_index(name, "errands", [column], postgresql_where=which, sqlite_where=which)
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("errand_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=True),
        sa.Column("invitation_id", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(membership_id IS NULL) <> (invitation_id IS NULL)",
            name=op.f("ck_cases_one_subject"),
        ),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'done', 'refused')", name=op.f("ck_cases_outcome")
        ),
        sa.CheckConstraint(
            "outcome <> 'refused' OR sentence IS NOT NULL",
            name=op.f("ck_cases_refused_with_reason"),
        ),
        sa.ForeignKeyConstraint(["errand_id"], ["errands.id"], name=op.f("fk_cases_errand_id")),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name=op.f("fk_cases_membership_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_cases_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_errand_id_outcome_id"), "cases", ["errand_id", "outcome", "id"])


def downgrade() -> None:
    op.drop_table("cases")
    op.drop_table("errands")
