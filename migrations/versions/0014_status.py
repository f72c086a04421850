"""Operators who act, heartbeats, what the clock read, and what operators did about it."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FEW = {  # rows that wait, found by an index over them alone
    "failed_letters": ("letters", ["since"], "state IN ('bounced', 'dead')"),
    "open_attempts": ("attempts", ["letter_id"], "outcome IS NULL"),
    "accepted_invitations": ("invitations", ["since"], "state = 'accepted'"),
    "expired_invitations": ("invitations", ["since"], "state = 'expired'"),
    "unused_tokens": (
        "tokens", ["since"], "seat_id IS NOT NULL AND first_download_at IS NULL",
    ),
    "unminted_generations": ("generations", ["token_id"], "digest IS NULL"),
    "waiting_sign_ups": ("sign_ups", ["since"], "state = 'waiting'"),
    "unpaid_subscriptions": (
        "subscriptions", ["since"], "state IN ('incomplete', 'past_due', 'suspended')",
    ),
}  # fmt: skip


def upgrade() -> None:
    acting = sa.Column("acting", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("accounts", acting)
    op.execute("UPDATE accounts SET acting = operator")
    for name, (table, columns, which) in FEW.items():
        where = sa.text(which)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
    op.create_index(op.f("ix_actions_at"), "actions", ["at"])
    op.create_index(op.f("ix_attempts_at"), "attempts", ["at"])
    op.create_table(
        "heartbeats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skew", sa.Double(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("kind", "host", name=op.f("uq_heartbeats_kind_host")),
    )
    op.create_table(
        "readings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_readings")),
    )
    _rescues()


def _rescues() -> None:
    op.create_table(
        "rescues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ailment", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["accounts.id"], name=op.f("fk_rescues_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescues")),
    )
    open_ones = sa.text("over_at IS NULL")
    op.create_index(
        "open_rescues", "rescues", ["id"], postgresql_where=open_ones, sqlite_where=open_ones
    )
    op.create_table(
        "rescued",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rescue_id", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("sentence", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'verifying', 'moved', 'relapsed', 'refused')",
            name=op.f("ck_rescued_outcome"),
        ),
        sa.ForeignKeyConstraint(["rescue_id"], ["rescues.id"], name=op.f("fk_rescued_rescue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescued")),
    )
    columns = ["rescue_id", "outcome", "id"]
    op.create_index(op.f("ix_rescued_rescue_id_outcome_id"), "rescued", columns)
    op.create_table(
        "acknowledgements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ailment", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["accounts.id"], name=op.f("fk_acknowledgements_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgements")),
        sa.UniqueConstraint("ailment", "cause", name=op.f("uq_acknowledgements_ailment_cause")),
    )


def downgrade() -> None:
    for table in ("acknowledgements", "rescued", "rescues", "readings", "heartbeats"):
        op.drop_table(table)
    op.drop_index(op.f("ix_attempts_at"), "attempts")
    op.drop_index(op.f("ix_actions_at"), "actions")
    for name, (table, _, _) in reversed(FEW.items()):
        op.drop_index(name, table)
    op.drop_column("accounts", "acting")
