"""Logos, billing contacts, steps put off, and how many rows an action moved in sets."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STEPS = ("invite", "buy", "assign", "contact", "logo")
MANY = 50  # steps of one kind from which an action of before is counted once and for all
COUNT = """
INSERT INTO heaps (action_id, kind, event, number)
SELECT action_id, kind, event, count(*) FROM steps
WHERE action_id IN (SELECT action_id FROM steps GROUP BY action_id, kind HAVING count(*) > {many})
GROUP BY action_id, kind, event
"""
REFUSE = {
    "sqlite": """
CREATE TRIGGER heaps_{verb} BEFORE {verb} ON heaps
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END
""",
    "postgresql": """
CREATE TRIGGER heaps_{verb} BEFORE {verb} ON heaps
FOR EACH ROW EXECUTE FUNCTION usher_append_only()
""",
}


def upgrade() -> None:
    _heaps()
    op.add_column("organizations", sa.Column("logo", sa.String(), nullable=True))
    op.add_column("invoices", sa.Column("billed_to", sa.String(), nullable=True))
    _of_organization("logos", sa.Column("content", sa.LargeBinary(), nullable=False))
    name, address = (sa.Column(one, sa.String(), nullable=False) for one in ("name", "address"))
    _of_organization("billing_contacts", name, address)
    op.create_table(
        "skipped_steps",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.CheckConstraint(
            f"step IN ({', '.join(map(repr, STEPS))})", name=op.f("ck_skipped_steps_step_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_skipped_steps_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "step", name=op.f("pk_skipped_steps")),
    )


def _of_organization(name: str, *columns: sa.Column) -> None:
    """A table with one row for an organization at most."""
    op.create_table(
        name,
        sa.Column("organization_id", sa.Integer(), nullable=False, autoincrement=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f(f"fk_{name}_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f(f"pk_{name}")),
    )


def _heaps() -> None:
    op.create_table(
        "heaps",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["actions.id"], name=op.f("fk_heaps_action_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heaps")),
    )
    op.create_index(op.f("ix_heaps_action_id"), "heaps", ["action_id"])
    op.execute(COUNT.format(many=MANY))
    for verb in ("UPDATE", "DELETE"):
        op.execute(REFUSE[op.get_bind().dialect.name].format(verb=verb))
    op.drop_index(op.f("ix_steps_action_id"), "steps")
    op.create_index(op.f("ix_steps_action_id_kind_id"), "steps", ["action_id", "kind", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_steps_action_id_kind_id"), "steps")
    op.create_index(op.f("ix_steps_action_id"), "steps", ["action_id"])
    for table in ("heaps", "skipped_steps", "billing_contacts", "logos"):
        op.drop_table(table)
    op.drop_column("invoices", "billed_to")
    op.drop_column("organizations", "logo")
