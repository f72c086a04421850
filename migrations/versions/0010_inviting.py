"""What becomes of an invitation on its way: corrected, moved, reminded of, asked for again.

And silences: who wants no invitations at all.
"""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = ("asked", "granted", "refused")
OF_INVITATIONS = {
    "instead_of": sa.String(),
    "became": sa.String(),
    "word": sa.String(),
    "asked_at": sa.DateTime(timezone=True),
    "reminded": sa.Integer(),
}


def upgrade() -> None:
    for name, kind in OF_INVITATIONS.items():
        op.add_column("invitations", sa.Column(name, kind, nullable=True))
    op.create_table(
        "silences",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_silences")),
    )
    op.create_table(
        "moves",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_moves_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_moves_invitation_id")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_moves_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
    )
    op.create_index(op.f("ix_moves_invitation_id"), "moves", ["invitation_id"])
    asked = sa.text("state = 'asked'")
    op.create_index(
        "one_open_move", "moves", ["invitation_id"], unique=True,
        postgresql_where=asked, sqlite_where=asked,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("moves")
    op.drop_table("silences")
    for name in OF_INVITATIONS:
        op.drop_column("invitations", name)
