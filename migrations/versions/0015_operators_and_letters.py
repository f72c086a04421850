"""What operators need of letters: whom they went to, what they failed of, and pauses."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PATTERN = {"email_key": "text_pattern_ops"}
PARTIAL = {"letters_by_cause": "cause", "paused_letters": "pause_id"}


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "paused", "resumed",
                name="state", native_enum=False, create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )  # fmt: skip
    lasting = sa.text("state = 'paused'")
    where = {"postgresql_where": lasting, "sqlite_where": lasting}
    op.create_index("one_pause_of_a_domain", "pauses", ["domain"], unique=True, **where)
    with op.batch_alter_table("letters") as letters:
        letters.add_column(sa.Column("cause", sa.String(), nullable=True))
        letters.add_column(sa.Column("domain", sa.String(), nullable=True))
        letters.add_column(sa.Column("again_at", sa.DateTime(timezone=True), nullable=True))
        letters.add_column(sa.Column("pause_id", sa.Integer(), nullable=True))
        letters.create_foreign_key(op.f("fk_letters_pause_id"), "pauses", ["pause_id"], ["id"])
        letters.drop_index(op.f("ix_letters_organization_id"))
    _index()


def _index() -> None:
    op.create_index(op.f("ix_letters_organization_id_id"), "letters", ["organization_id", "id"])
    op.create_index("letters_by_state", "letters", ["state", "id"])
    op.create_index("letters_by_domain", "letters", ["domain", "id"])
    for name, column in PARTIAL.items():
        which = sa.text(f"{column} IS NOT NULL")
        columns = [column] if name == "paused_letters" else [column, "id"]
        op.create_index(name, "letters", columns, postgresql_where=which, sqlite_where=which)
    op.create_index("invitations_by_key", "invitations", ["email_key"], postgresql_ops=PATTERN)
    op.create_index(op.f("ix_reset_wishes_email_key"), "reset_wishes", ["email_key"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("accounts_by_address", "accounts", ["email_key"], postgresql_ops=PATTERN)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("accounts_by_address", "accounts")
    op.drop_index(op.f("ix_reset_wishes_email_key"), "reset_wishes")
    op.drop_index("invitations_by_key", "invitations")
    for name in (*PARTIAL, "letters_by_domain", "letters_by_state"):
        op.drop_index(name, "letters")
    with op.batch_alter_table("letters") as letters:
        letters.drop_index(op.f("ix_letters_organization_id_id"))
        letters.drop_constraint(op.f("fk_letters_pause_id"), type_="foreignkey")
        for name in ("pause_id", "again_at", "domain", "cause"):
            letters.drop_column(name)
        letters.create_index(op.f("ix_letters_organization_id"), ["organization_id"])
    op.drop_table("pauses")
