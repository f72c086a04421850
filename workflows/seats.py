"""Seats: one row for each seat bought; the single place where a seat is claimed.

    free ◀── free_up ── taken
      └───── assign ─────▶

Buying adds free rows, shrinking deletes free rows, assigning claims one. The number of rows is
the licence, so more seats than were bought have no spelling. A taken seat points at an active
membership of its own organization, or the database refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    UniqueConstraint,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workflows import acceptances, memberships, places, tokens
from workflows.accounts import Account
from workflows.engine import cohorts, outbox, sets, tallies
from workflows.engine.cohorts import Cohort
from workflows.engine.db import Base, command, db, index_of_few, lock
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotNow
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization
from workflows.tokens import Token

BOUGHT, TAKEN = "seats", "seats taken"  # as tallies
GONE = "The last free seat was given away a moment ago."
NONE_YET = "There are no seats yet. Purchase subscriptions first."
IN_USE = "in use. Buy more, or revoke"


class SeatMachine(Machine):
    free = State(initial=True)
    taken = State()

    assign = free.to(taken)
    free_up = taken.to(free)


class Seat(Stateful, Base):
    __tablename__ = "seats"
    __table_args__ = (
        ForeignKeyConstraint(
            ["membership_id", "organization_id", "holder_active"],
            ["memberships.id", "memberships.organization_id", "memberships.active"],
        ),
        UniqueConstraint("membership_id"),
        UniqueConstraint("id", "membership_id"),  # what a token points at
        CheckConstraint("(membership_id IS NOT NULL) = (state = 'taken')", name="holder"),
        CheckConstraint("(membership_id IS NULL) = (holder_active IS NULL)", name="holder_known"),
        CheckConstraint("holder_active", name="holder_is_active"),
        index_of_few("free_seats", "organization_id", "id", which="state = 'free'"),
        {"sqlite_autoincrement": True},  # an id is never used for a second seat: history has it
    )  # fmt: skip
    machine = SeatMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    membership_id: Mapped[int | None]
    holder_active: Mapped[bool | None]


@dataclass(frozen=True)
class Count:
    """Seats of an organization, in numbers."""

    bought: int
    used: int

    @property
    def free(self) -> int:
        return self.bought - self.used


@command
def assign(membership: Membership, *, by: Account) -> Seat:
    """Give the member a free seat with a new token, and mail the way to activate it."""
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    places.hold(membership.organization_id, [membership.id])
    may_assign(membership)
    free = wait_for(membership.organization_id, 1)
    if not free:
        raise NotNow(GONE)
    give(membership.organization_id, [membership.id], free, by=by)
    return db.session.get_one(Seat, free[0])


@command
def revoke(membership: Membership, *, by: Account, to: Membership | None = None) -> None:
    """Take the seat away, and its token at this moment; it goes to `to`, or the first in line."""
    memberships.lock_both(membership, by, to)
    require_admin(by, lock(membership.organization))
    may_revoke(membership)
    if to:
        may_have(to)
    token = give_up(membership, "seat_revoked", by=by, to=to)
    outbox.post("seat_revoked", about=token)


def give_up(
    membership: Membership, reason: str, *, by: Account | None, to: Membership | None = None
) -> Token | None:
    """Free the seat of a member, if there is one; it goes to `to`, or the first in line.

    The organization is held by now, which `places` tells more of.
    """
    seat, token = of(membership), tokens.of(membership)
    if seat is None:
        return None
    assert token is not None
    tokens.revoke(token, reason, by=by)
    lock(seat).fire("free_up", by=by, membership_id=None, holder_active=None)
    tallies.add(seat.organization_id, {TAKEN: -1})
    if to:
        give(seat.organization_id, [to.id], [seat.id], by=by)
    serve(membership.organization_id)
    return token


def serve(organization_id: int) -> None:
    """Give what is free to the first in line; the organization is held by now."""
    if number := places.number(organization_id):
        free = claim(organization_id, number)
        first = places.first(organization_id, len(free))
        give(organization_id, [place.membership_id for place in first], free, by=None)


def give(
    organization_id: int, member_ids: Sequence[int], free: Sequence[int], *, by: Account | None
) -> None:
    """Give each of these one of these seats, which are held, with all that a seat brings.

    Whoever waited for one waits no more.
    """
    if not free:
        return
    place, theirs = {"organization_id": organization_id}, {"membership_id": member_ids}
    taken = Cohort(Seat, free, "free", organization_id)
    cohorts.move(taken, "assign", by=by, each=theirs, holder_active=True)
    tallies.add(organization_id, {TAKEN: len(free)})
    begun = cohorts.begin(Token, theirs | {"seat_id": free}, by=by, **place, generation=0)
    cohorts.fire(acceptances.of_all(member_ids), "seat", by=by)
    places.end(places.hold(organization_id, member_ids), "seat", by=by)
    cohorts.post("seat_assigned", organization_id, dict.fromkeys(begun, 0))


@dataclass(frozen=True)
class Room:
    """What the rules ask, read once for many people: who of them has a seat, and how many are."""

    holders: frozenset[int]
    count: Count


def room(organization: Organization, member_ids: Collection[int]) -> Room:
    """The room of an organization, as far as these members are concerned."""
    mine = select(Seat.membership_id).where(sets.among(Seat.membership_id, member_ids))
    holders = frozenset(found for found in db.session.scalars(mine) if found)
    return Room(holders, count(organization))


def may_assign(membership: Membership, room: Room | None = None) -> None:
    """The rule behind Assign Seat."""
    may_have(membership, room)
    seats = room.count if room else count(membership.organization)
    if not seats.bought:
        raise NotNow(NONE_YET)
    if not seats.free:
        raise NotNow(
            f"All {seats.bought:,} seats are {IN_USE} one first."
            if seats.bought > 1
            else f"The one seat is {IN_USE} it first."
        )


def may_have(membership: Membership, room: Room | None = None) -> None:
    """Nobody has two seats, and nobody who has gone has one."""
    memberships.require_active(membership)
    if _has_one(membership, room):
        raise NotNow(f"{membership.account.name} already has a seat.")


def may_revoke(membership: Membership, room: Room | None = None) -> None:
    """The rule behind Revoke Seat."""
    if not _has_one(membership, room):
        raise NotNow(f"{membership.account.name} has no seat.")


def _has_one(membership: Membership, room: Room | None) -> bool:
    return membership.id in room.holders if room else of(membership) is not None


def wait_for(organization_id: int, number: int) -> list[int]:
    """So many free seats; if too few, those that others have in hand are waited for, once.

    For more than one the organization is held, so that no two wait for each other's.
    """
    found = claim(organization_id, number)
    if len(found) == number:
        return found
    oldest = _free(organization_id).limit(number).with_for_update()
    return list(db.session.scalars(oldest))


def claim(organization_id: int, number: int) -> list[int]:
    """So many free seats, or as many as there are, that nobody else can take or has in hand."""
    oldest = _free(organization_id).limit(number).with_for_update(skip_locked=True)
    return list(db.session.scalars(oldest))


def _free(organization_id: int) -> Any:
    free = select(Seat.id).where(Seat.organization_id == organization_id, text("state = 'free'"))
    return free.order_by(Seat.id)


def of(membership: Membership) -> Seat | None:
    return db.session.scalar(select(Seat).filter_by(membership_id=membership.id))


def count(organization: Organization) -> Count:
    numbers = tallies.of(organization.id)
    return Count(numbers[BOUGHT], numbers[TAKEN])


@command
def recount() -> int:
    """Count all seats, and mend the tallies that differ; answers how many did."""
    place, number = Seat.organization_id, func.count()
    bought = select(place, literal(BOUGHT), number).group_by(place)
    taken = select(place, literal(TAKEN), number).where(Seat.state == "taken").group_by(place)
    return tallies.mend([bought, taken], "seats%")
