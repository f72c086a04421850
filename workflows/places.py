"""Places: who waits in line for a seat, and who is next.

    asked ── approve ─▶ queued ─┐  put_first
      │                  │ ▲ ───┘
      ├───── seat ───────┴─▶ seated      got a seat, from the line or from an admin
      ├───── withdraw ───┴─▶ withdrawn   by oneself, or by going
      └───── refuse ─────┴─▶ refused     by an admin

Only who is `queued` is served by itself, since an admin wished it; who has `asked` waits for one.
What would surprise a reader: places stand before seats in the order of locks. A seat that frees
takes the first of the line whom nobody else moves just now, and waits for nobody (`next_in_line`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows.accounts import Account
from workflows.engine.db import Base, db
from workflows.engine.machine import Machine, State, Stateful
from workflows.memberships import Membership

WAITING = "state IN ('asked', 'queued')"
TOLD = 100  # how far back in the line somebody is told which place is theirs


class PlaceMachine(Machine):
    asked = State(initial=True)
    queued = State()
    seated = State(final=True)
    withdrawn = State(final=True)
    refused = State(final=True)

    approve = asked.to(queued)
    put_first = queued.to(queued)
    seat = asked.to(seated) | queued.to(seated)
    withdraw = asked.to(withdrawn) | queued.to(withdrawn)
    refuse = asked.to(refused) | queued.to(refused)


class Place(Stateful, Base):
    __tablename__ = "places"
    __table_args__ = (
        # Nobody can go and leave a place in line behind.
        ForeignKeyConstraint(
            ["membership_id", "organization_id", "member_active"],
            ["memberships.id", "memberships.organization_id", "memberships.active"],
            name="fk_places_waiting",
        ),
        ForeignKeyConstraint(
            ["membership_id", "organization_id"],
            ["memberships.id", "memberships.organization_id"],
            name="fk_places_member",
        ),
        CheckConstraint(f"(member_active IS NOT NULL) = ({WAITING})", name="whoever_waits"),
        CheckConstraint("member_active", name="whoever_waits_is_active"),
        Index("one_place_each", "membership_id", unique=True,
              postgresql_where=text(WAITING), sqlite_where=text(WAITING)),
        Index("places_in_line", "organization_id", "rank", "since", "id",
              postgresql_where=text("state = 'queued'"), sqlite_where=text("state = 'queued'")),
        Index("places_asked", "organization_id", "id",
              postgresql_where=text("state = 'asked'"), sqlite_where=text("state = 'asked'")),
        Index(None, "membership_id"),
    )  # fmt: skip
    machine = PlaceMachine

    organization_id: Mapped[int]
    membership_id: Mapped[int]
    member_active: Mapped[bool | None]
    rank: Mapped[int] = mapped_column(default=0)  # lower comes first, then whoever waits longer

    membership: Mapped[Membership] = relationship(
        primaryjoin="foreign(Place.membership_id) == remote(Membership.id)", viewonly=True
    )

    def no_arrow(self, event: str) -> str:
        name = self.membership.account.name
        if event == "put_first" and self.state == "asked":
            return f"{name} has asked for a seat and is not in line yet."
        return f"{name} is in line already."


IN_LINE = (Place.rank, Place.since, Place.id)


def queue(membership: Membership, place: Place | None, *, by: Account | None) -> None:
    """Give the member the last place in line; `waitlist` has looked for a free seat."""
    place = place or begin(membership, by=by)
    place.fire("approve", by=by)


def settle(place: Place | None, *, by: Account | None) -> None:
    """The wait is over: there is a seat."""
    if place:
        end(place, "seat", by=by)


def step_out(membership: Membership, *, by: Account | None) -> bool:
    """Leave the line, if one is in it; whoever ends a membership calls this first."""
    place = hold(membership)
    if place:
        end(place, "withdraw", by=by)
    return place is not None


def hold(membership: Membership) -> Place | None:
    """The place of a member, held: before any seat is, so that no two commands wait in a ring."""
    mine = select(Place).filter_by(membership_id=membership.id).where(text(WAITING))
    fresh = mine.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(fresh)


def next_in_line(organization_id: int) -> Place | None:
    """The first in line whom nobody else moves at this moment, held."""
    queued = select(Place).where(Place.organization_id == organization_id)
    first = queued.where(text("state = 'queued'")).order_by(*IN_LINE).limit(1)
    held = first.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return db.session.scalar(held)


def begin(membership: Membership, *, by: Account | None) -> Place:
    of_whom = {"organization_id": membership.organization_id, "membership_id": membership.id}
    return Place.begin(**of_whom, member_active=True, by=by)


def end(place: Place, event: str, *, by: Account | None) -> None:
    """It is no place any more, and binds its member no more."""
    place.fire(event, by=by, member_active=None)


def rank_before_all(organization_id: int) -> int:
    """A rank that comes before all in line."""
    ranks = select(func.min(Place.rank)).where(Place.organization_id == organization_id)
    return (db.session.scalar(ranks.where(text("state = 'queued'"))) or 0) - 1


def of(membership: Membership) -> Place | None:
    """The place of a member who waits for a seat."""
    mine = select(Place).filter_by(membership_id=membership.id)
    return db.session.scalar(mine.where(text(WAITING)))


@dataclass(frozen=True)
class Standing:
    """Where somebody waits: `asked` or `queued`, since when, and which place it is, if near."""

    place: Place
    number: int | None = None

    @property
    def words(self) -> str:
        """As on the page: 3rd in line."""
        return f"{_ordinal(self.number)} in line" if self.number else "In line"


def standings(member_ids: Collection[int]) -> dict[int, Standing]:
    """Where these members wait, as far as they do."""
    mine = select(Place).where(Place.membership_id.in_(member_ids), text(WAITING))
    fresh = {"populate_existing": True}
    waiting = db.session.scalars(mine, execution_options=fresh).all()
    numbers: dict[int, int] = {}
    for organization_id in {place.organization_id for place in waiting if place.state == "queued"}:
        numbers |= {row: number for number, row in enumerate(line(organization_id), start=1)}
    return {place.membership_id: Standing(place, numbers.get(place.id)) for place in waiting}


def line(organization_id: int, limit: int = TOLD) -> list[int]:
    """The ids of the first places in line."""
    queued = select(Place.id).where(Place.organization_id == organization_id)
    first = queued.where(text("state = 'queued'")).order_by(*IN_LINE).limit(limit)
    return list(db.session.scalars(first))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def served(membership: Membership) -> Place | None:
    """The place that brought the member their newest seat, if a place did."""
    ended = select(Place).filter_by(membership_id=membership.id, state="seated")
    return db.session.scalar(ended.order_by(Place.id.desc()).limit(1))
