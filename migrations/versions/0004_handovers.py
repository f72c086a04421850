"""Offers of ownership to another admin."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = ("offered", "accepted", "declined", "canceled", "expired")
OPEN = sa.text("state = 'offered'")


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("chosen_id", sa.Integer(), nullable=False),
        sa.Column("chosen_state", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(chosen_state IS NOT NULL) = (state = 'offered')",
            name=op.f("ck_handovers_chosen_known"),
        ),
        sa.CheckConstraint("chosen_state = 'admin'", name=op.f("ck_handovers_chosen_is_admin")),
        sa.CheckConstraint("owner_id <> chosen_id", name=op.f("ck_handovers_somebody_else")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_handovers_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "organization_id"],
            ["memberships.id", "memberships.organization_id"],
            name=op.f("fk_handovers_owner_id_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["chosen_id", "organization_id"],
            ["memberships.id", "memberships.organization_id"],
            name=op.f("fk_handovers_chosen_id_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["chosen_id", "organization_id", "chosen_state"],
            ["memberships.id", "memberships.organization_id", "memberships.state"],
            name="fk_handovers_chosen",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(
        "one_open_handover", "handovers", ["organization_id"],
        unique=True, postgresql_where=OPEN, sqlite_where=OPEN,
    )  # fmt: skip
    op.create_index(
        op.f("ix_handovers_expires_at"), "handovers", ["expires_at"],
        postgresql_where=OPEN, sqlite_where=OPEN,
    )  # fmt: skip
    for column in ("organization_id", "chosen_id"):
        op.create_index(op.f(f"ix_handovers_{column}"), "handovers", [column])


def downgrade() -> None:
    op.drop_table("handovers")
