"""Operators who may act, and those who only look."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0014"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    acting = sa.Column("acting", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("accounts", acting)
    op.execute("UPDATE accounts SET acting = operator")


def downgrade() -> None:
    op.drop_column("accounts", "acting")
