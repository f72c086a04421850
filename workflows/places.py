"""Places: who waits for a seat, and who is next in line.

    asked ── approve ─▶ queued
      ├───── seat ────────┴─▶ seated      got a seat, from the line or from an admin
      ├───── withdraw ────┴─▶ withdrawn   by oneself, or by going
      └───── refuse ──────┴─▶ refused     by an admin, with a word

Only who is `queued` is served by itself, since an admin wished it; who has `asked` waits for one.
What would surprise a reader: whoever moves a place, frees a seat or adds one holds the organization
first. So nobody joins the line beside a seat that frees, and nobody in it is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows.accounts import Account
from workflows.engine import cohorts, sets
from workflows.engine.db import Base, db, index_of_few, lock
from workflows.engine.machine import Machine, State, Stateful
from workflows.memberships import Membership

WAITING = "state IN ('asked', 'queued')"
QUEUED, ASKED = "state = 'queued'", "state = 'asked'"
ORIGINS = ("asked", "put", "joined")  # by the member, by an admin, by an invitation that said so
NOBODY = {"member_active": None, "rank": None}  # an ended place binds nobody
TOLD = 1000  # how far back in the line somebody is told which place is theirs


class PlaceMachine(Machine):
    asked = State(initial=True)
    queued = State()
    seated = State(final=True)
    withdrawn = State(final=True)
    refused = State(final=True)

    approve = asked.to(queued)
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
        CheckConstraint(f"origin IN {ORIGINS}", name="origin"),
        CheckConstraint(f"(member_active IS NOT NULL) = ({WAITING})", name="whoever_waits"),
        CheckConstraint("member_active", name="whoever_waits_is_active"),
        CheckConstraint(f"(rank IS NOT NULL) = ({QUEUED})", name="a_rank_in_line"),
        index_of_few("one_place_each", "membership_id", unique=True, which=WAITING),
        index_of_few("places_in_line", "organization_id", "rank", unique=True, which=QUEUED),
        index_of_few("places_asked", "organization_id", "id", which=ASKED),
        Index(None, "membership_id"),
    )  # fmt: skip
    machine = PlaceMachine

    organization_id: Mapped[int]
    membership_id: Mapped[int]
    member_active: Mapped[bool | None]
    origin: Mapped[str]  # one of ORIGINS
    rank: Mapped[int | None]  # lower comes first: no clock says who was earlier
    sponsor_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    word: Mapped[str | None]  # what the member wrote when asking
    answer: Mapped[str | None]  # what an admin wrote when saying no

    membership: Mapped[Membership] = relationship(
        primaryjoin="foreign(Place.membership_id) == remote(Membership.id)", viewonly=True
    )
    sponsor: Mapped[Account | None] = relationship()  # the admin who wishes them a seat

    def no_arrow(self, event: str) -> str:
        return f"{self.membership.account.name} is in line already."


def begin(
    membership: Membership, origin: str, *, by: Account | None, word: str | None = None
) -> Place:
    """The member waits for a seat from now on; the organization is held."""
    whose = {"organization_id": membership.organization_id, "membership_id": membership.id}
    return Place.begin(**whose, member_active=True, origin=origin, word=word, by=by)


def queue(
    organization_id: int,
    member_ids: Sequence[int],
    origin: str,
    sponsor: Account,
    *,
    by: Account | None,
) -> None:
    """Put these at the end of the line, in this order, whether they have asked for it or not.

    The organization is held, and no seat is free.
    """
    asked = {place.membership_id for place in hold(organization_id, member_ids)}
    theirs = {"membership_id": [one for one in member_ids if one not in asked]}
    same = {"organization_id": organization_id, "member_active": True, "origin": origin}
    cohorts.begin(Place, theirs, by=by, **same)
    waits = {place.membership_id: place for place in hold(organization_id, member_ids)}
    ranks = select(func.max(Place.rank)).where(Place.organization_id == organization_id)
    last = db.session.scalar(ranks.where(text(QUEUED))) or 0
    next_ones = enumerate((waits[one] for one in member_ids), start=last + 1)
    each = {place.id: {"rank": rank} for rank, place in next_ones}
    cohorts.fire(list(waits.values()), "approve", by=by, sponsor_id=sponsor.id, each=each)


def end(places: Collection[Place], event: str, *, by: Account | None) -> None:
    """These wait no more; the organization is held."""
    cohorts.fire(list(places), event, by=by, **NOBODY)


def hold(organization_id: int, member_ids: Collection[int]) -> list[Place]:
    """The places of these members, who are held; with any of them the whole line is held."""
    mine = sets.among(Place.membership_id, member_ids) & text(WAITING)
    if not (waits := db.session.scalar(select(Place).where(mine).limit(1))):
        return []
    lock(waits.membership.organization)
    return cohorts.hold(Place, mine & (Place.organization_id == organization_id))


def step_out(organization_id: int, member_ids: Collection[int], *, by: Account | None) -> int:
    """Let these leave the line, as far as they are in it; answers how many did."""
    places = hold(organization_id, member_ids)
    end(places, "withdraw", by=by)
    return len(places)


def first(organization_id: int, number: int, after: int = 0) -> list[Place]:
    """The first of the line, so many or all, or of those after this rank."""
    line = _line(select(Place), organization_id).where(Place.rank > after).limit(number)
    return list(db.session.scalars(line, execution_options={"populate_existing": True}))


def number(organization_id: int, state: str = QUEUED) -> int:
    """How many are in line, or have asked."""
    mine = select(func.count()).select_from(Place)
    mine = mine.where(Place.organization_id == organization_id, text(state))
    return db.session.scalar(mine) or 0


def asked(organization_id: int, limit: int) -> list[Place]:
    """Those who have asked for a seat and wait for an answer, the longest first."""
    mine = select(Place).where(Place.organization_id == organization_id, text(ASKED))
    return list(db.session.scalars(mine.order_by(Place.id).limit(limit)))


def of(membership: Membership) -> Place | None:
    """The place of a member who waits for a seat."""
    mine = select(Place).filter_by(membership_id=membership.id)
    return db.session.scalar(mine.where(text(WAITING)))


def ended(membership: Membership, state: str) -> Place | None:
    """The newest place of a member that came to this end."""
    mine = select(Place).filter_by(membership_id=membership.id, state=state)
    return db.session.scalar(mine.order_by(Place.id.desc()).limit(1))


@dataclass(frozen=True)
class Standing:
    """Where somebody waits: `asked` or `queued`, since when, and which place it is, if near."""

    place: Place
    number: int | None = None

    @property
    def in_line(self) -> bool:
        return self.place.state == "queued"

    @property
    def words(self) -> str:
        """As on the page: 3rd in line."""
        return f"{_ordinal(self.number)} in line" if self.number else "In line"


def standings(member_ids: Collection[int]) -> dict[int, Standing]:
    """Where these members wait, as far as they do."""
    mine = select(Place).where(sets.among(Place.membership_id, member_ids), text(WAITING))
    waiting = db.session.scalars(mine, execution_options={"populate_existing": True}).all()
    numbers: dict[int, int] = {}
    for organization_id in {place.organization_id for place in waiting if place.state == "queued"}:
        line = db.session.scalars(_line(select(Place.id), organization_id).limit(TOLD))
        numbers |= {row: number for number, row in enumerate(line, start=1)}
    return {place.membership_id: Standing(place, numbers.get(place.id)) for place in waiting}


def _line(columns: Any, organization_id: int) -> Any:
    queued = columns.where(Place.organization_id == organization_id, text(QUEUED))
    return queued.order_by(Place.rank)


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else ending}"
