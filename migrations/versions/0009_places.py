"""Places in line for a seat, and the wish of a seat for whoever accepts an invitation."""

import sqlalchemy as sa
from alembic import op

# revision identifiers, used by Alembic.
revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

WAITING = "state IN ('asked', 'queued')"
QUEUED = "state = 'queued'"
STATES = ("asked", "queued", "seated", "withdrawn", "refused")


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column("member_active", sa.Boolean(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("sponsor_id", sa.Integer(), nullable=True),
        sa.Column("word", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*STATES, name="state", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.CheckConstraint("origin IN ('asked', 'put', 'joined')", name=op.f("ck_places_origin")),
        sa.CheckConstraint(
            f"(member_active IS NOT NULL) = ({WAITING})", name=op.f("ck_places_whoever_waits")
        ),
        sa.CheckConstraint("member_active", name=op.f("ck_places_whoever_waits_is_active")),
        sa.CheckConstraint(
            f"(rank IS NOT NULL) = ({QUEUED})", name=op.f("ck_places_a_rank_in_line")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id", "organization_id", "member_active"],
            ["memberships.id", "memberships.organization_id", "memberships.active"],
            name="fk_places_waiting",
        ),
        sa.ForeignKeyConstraint(
            ["membership_id", "organization_id"],
            ["memberships.id", "memberships.organization_id"],
            name="fk_places_member",
        ),
        sa.ForeignKeyConstraint(["sponsor_id"], ["accounts.id"], name=op.f("fk_places_sponsor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
    )
    op.create_index(op.f("ix_places_membership_id"), "places", ["membership_id"])
    _index("one_place_each", ["membership_id"], WAITING, unique=True)
    _index("places_in_line", ["organization_id", "rank"], QUEUED, unique=True)
    _index("places_asked", ["organization_id", "id"], "state = 'asked'")
    wished = sa.Column("seat_wished", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("invitations", wished)


def _index(name: str, columns: list[str], only: str, **more: bool) -> None:
    where = sa.text(only)
    op.create_index(name, "places", columns, postgresql_where=where, sqlite_where=where, **more)


def downgrade() -> None:
    op.drop_column("invitations", "seat_wished")
    op.drop_table("places")
