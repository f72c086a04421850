"""By which request an action was done and a letter caused; how many of a cause are known of."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KNOWN = sa.text("request_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("actions", sa.Column("request_id", sa.String(), nullable=True))
    where = {"postgresql_where": KNOWN, "sqlite_where": KNOWN}
    op.create_index("actions_by_request", "actions", ["request_id"], **where)
    op.add_column("letters", sa.Column("request_id", sa.String(), nullable=True))
    op.create_index("letters_by_request", "letters", ["request_id", "id"], **where)
    number = sa.Column("number", sa.Integer(), server_default="0", nullable=False)
    op.add_column("acknowledgements", number)


def downgrade() -> None:
    op.drop_column("acknowledgements", "number")
    op.drop_index("letters_by_request", "letters")
    op.drop_column("letters", "request_id")
    op.drop_index("actions_by_request", "actions")
    op.drop_column("actions", "request_id")
