"""Changes of address, and where somebody is logged in."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = ("asked", "confirmed", "undone", "settled", "canceled", "expired")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("browser", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("network", sa.String(), nullable=True))
    op.create_table(
        "address_changes",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("old_email", sa.String(), nullable=False),
        sa.Column("old_key", sa.String(), nullable=False),
        sa.Column("password_round", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_address_changes_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_changes")),
    )
    op.create_index(op.f("ix_address_changes_account_id"), "address_changes", ["account_id"])
    for name, column, which, unique in (
        ("one_asked_change", "account_id", "state = 'asked'", True),
        ("open_changes", "since", "state IN ('asked', 'confirmed')", False),
    ):
        where = sa.text(which)
        op.create_index(
            name, "address_changes", [column], unique=unique,
            postgresql_where=where, sqlite_where=where,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_table("address_changes")
    op.drop_column("sessions", "network")
    op.drop_column("sessions", "browser")
