"""What was given up of bulk actions is found by an index of those cases alone."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

GIVEN_UP = sa.text(
    "sentence = 'Usher failed at this several times and gave up. Why is in the log of this site.'"
)


def upgrade() -> None:
    few = {"postgresql_where": GIVEN_UP, "sqlite_where": GIVEN_UP}
    op.create_index("cases_given_up", "cases", ["errand_id"], **few)


def downgrade() -> None:
    op.drop_index("cases_given_up", "cases")
