"""Renewals: when a card is charged, and again; what the pretend company was paid."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INDEXES = {
    "renewing_subscriptions": ("period_end", "state = 'active'"),
    "overdue_subscriptions": ("try_at", "state = 'past_due'"),
    "charging_subscriptions": ("charging_since", "charging_since IS NOT NULL"),
}
DAY = {
    "sqlite": "CAST(strftime('%d', period_start) AS INTEGER)",
    "postgresql": "CAST(EXTRACT(DAY FROM period_start AT TIME ZONE 'UTC') AS INTEGER)",
}


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("billing_day", sa.Integer(), nullable=True))
    for name in ("charging_since", "try_at"):
        moment = sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        op.add_column("subscriptions", moment)
    day = DAY[op.get_bind().dialect.name]
    op.execute(f"UPDATE subscriptions SET billing_day = {day}")
    op.execute("UPDATE subscriptions SET try_at = since WHERE state = 'past_due'")
    for name, (column, which) in INDEXES.items():
        few = {"postgresql_where": sa.text(which), "sqlite_where": sa.text(which)}
        op.create_index(name, "subscriptions", [column], **few)
    op.create_table(
        "pretend_payments",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("card_brand", sa.String(), nullable=False),
        sa.Column("card_last4", sa.String(), nullable=False),
        sa.Column("card_until", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("pretend_payments")
    for name in INDEXES:
        op.drop_index(name, "subscriptions")
    for name in ("try_at", "charging_since", "billing_day"):
        op.drop_column("subscriptions", name)
