"""What a person has done is found without reading all of history."""

from alembic import op

# revision identifiers, used by Alembic.
revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_actions_by_id_id"), "actions", ["by_id", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_actions_by_id_id"), "actions")
