"""How a subscription ends: why it was canceled, and how long its seats and tokens are kept."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CANCELING = sa.text("state = 'canceling'")
KEPT = sa.text("kept_until IS NOT NULL")


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("word", sa.String(), nullable=True))
    kept_until = sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True)
    op.add_column("subscriptions", kept_until)
    for name, column, which, unique in (
        ("canceling_subscriptions", "period_end", CANCELING, False),
        ("kept_subscriptions", "organization_id", KEPT, True),
    ):
        few = {"postgresql_where": which, "sqlite_where": which}
        op.create_index(name, "subscriptions", [column], unique=unique, **few)


def downgrade() -> None:
    op.drop_index("kept_subscriptions", "subscriptions")
    op.drop_index("canceling_subscriptions", "subscriptions")
    op.drop_column("subscriptions", "kept_until")
    op.drop_column("subscriptions", "word")
