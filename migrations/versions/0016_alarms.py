"""Alarms about what is stuck, and calls to the webhook that tell of them."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

RAISED, OPEN = sa.text("state = 'raised'"), sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "raised", "over",
                name="state", native_enum=False, create_constraint=True, length=20,
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )  # fmt: skip
    where = {"postgresql_where": RAISED, "sqlite_where": RAISED}
    op.create_index("one_alarm_of_a_kind", "alarms", ["name"], unique=True, **where)
    op.create_table(
        "webhook_calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_calls")),
    )
    where = {"postgresql_where": OPEN, "sqlite_where": OPEN}
    op.create_index("open_webhook_calls", "webhook_calls", ["id"], **where)


def downgrade() -> None:
    op.drop_table("webhook_calls")
    op.drop_table("alarms")
