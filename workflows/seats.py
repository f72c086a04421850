"""Seats: one row for each seat bought; the single place where a seat is claimed.

    free ◀── free_up ── taken
      └───── assign ─────▶

Buying adds free rows, shrinking deletes free rows, assigning claims one. The number of rows is
the licence, so more seats than were bought have no spelling. A taken seat points at an active
membership of its own organization, or the database refuses it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    delete,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workflows import invitations, memberships, tokens
from workflows.accounts import Account
from workflows.engine import outbox, tallies
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotNow
from workflows.engine.settings import settings
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization
from workflows.tokens import Token

BOUGHT, TAKEN = "seats", "seats taken"  # as tallies


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
        Index(
            "free_seats", "organization_id", "id",
            postgresql_where=text("state = 'free'"), sqlite_where=text("state = 'free'"),
        ),
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
    may_assign(membership)
    seat = _claim(membership.organization_id)
    seat.fire("assign", by=by, membership_id=membership.id, holder_active=True)
    tallies.add(seat.organization_id, {TAKEN: 1})
    token = Token.begin(
        organization_id=seat.organization_id, membership=membership, seat_id=seat.id, by=by
    )
    if invitation := invitations.accepted_by(membership):
        invitation.fire("seat", by=by)
    outbox.post("seat_assigned", about=token)
    return seat


@command
def revoke(membership: Membership, *, by: Account) -> None:
    """Take the seat away; the token dies at this moment."""
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    may_revoke(membership)
    token = give_up(membership, "seat_revoked", by=by)
    outbox.post("seat_revoked", about=token)


def give_up(membership: Membership, reason: str, *, by: Account | None) -> Token | None:
    """Free the seat of a member, if there is one, and revoke the token first."""
    seat, token = of(membership), tokens.of(membership)
    if seat is None:
        return None
    assert token is not None
    tokens.revoke(token, reason, by=by)
    lock(seat).fire("free_up", by=by, membership_id=None, holder_active=None)
    tallies.add(seat.organization_id, {TAKEN: -1})
    return token


@dataclass(frozen=True)
class Room:
    """What the rules ask, read once for many people: who of them has a seat, and how many are."""

    holders: frozenset[int]
    count: Count


def room(organization: Organization, member_ids: Collection[int]) -> Room:
    """The room of an organization, as far as these members are concerned."""
    mine = select(Seat.membership_id).where(Seat.membership_id.in_(member_ids))
    holders = frozenset(found for found in db.session.scalars(mine) if found)
    return Room(holders, count(organization))


def may_assign(membership: Membership, room: Room | None = None) -> None:
    """The rule behind Assign Seat."""
    memberships.require_active(membership)
    if _has_one(membership, room):
        raise NotNow(f"{membership.account.name} already has a seat.")
    seats = room.count if room else count(membership.organization)
    if not seats.bought:
        raise NotNow("There are no seats yet. Purchase subscriptions first.")
    if not seats.free:
        raise NotNow(
            f"All {seats.bought} seats are in use. Buy more, or revoke one first."
            if seats.bought > 1
            else "The one seat is in use. Buy more, or revoke it first."
        )


def may_revoke(membership: Membership, room: Room | None = None) -> None:
    """The rule behind Revoke Seat."""
    if not _has_one(membership, room):
        raise NotNow(f"{membership.account.name} has no seat.")


def _has_one(membership: Membership, room: Room | None) -> bool:
    return membership.id in room.holders if room else of(membership) is not None


def _claim(organization_id: int) -> Seat:
    """A free seat that nobody else can take; the loser of a race waits once, then is refused."""
    free = select(Seat).where(Seat.organization_id == organization_id, text("state = 'free'"))
    oldest = free.order_by(Seat.id).limit(1)
    seat = db.session.scalar(
        oldest.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ) or db.session.scalar(
        oldest.with_for_update().execution_options(populate_existing=True)
    )  # fmt: skip
    if seat is None:
        raise NotNow("The last free seat was given away a moment ago.")
    return seat


def add(organization_id: int, number: int) -> None:
    """Add seats that were bought, all free."""
    row = {"organization_id": organization_id, "state": "free", "since": now(), "revision": 1}
    if number:
        db.session.execute(insert(Seat), [row] * number)
        tallies.add(organization_id, {BOUGHT: number})


def take_away(organization_id: int, number: int) -> None:
    """Delete free seats; when too few are free, none is deleted."""
    free = select(Seat.id).where(Seat.organization_id == organization_id, text("state = 'free'"))
    doomed = free.order_by(Seat.id.desc()).limit(number).with_for_update().subquery()
    taken_away = db.session.execute(delete(Seat).where(Seat.id.in_(select(doomed.c.id))))
    missing = number - taken_away.rowcount  # type: ignore[attr-defined]
    if missing:
        raise NotNow(f"{missing} of these seats are in use. Free them first.")
    tallies.add(organization_id, {BOUGHT: -number})


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


@outbox.letter("seat_assigned", about=Token, rationed=True)
def to_seated(token: Token, _: Any) -> tuple[str, dict[str, Any]] | None:
    if token.state != "inactive":
        return None
    organization = token.membership.organization
    url = f"{settings().base_url}/{organization.slug}/token"
    facts = {"name": token.membership.account.name, "organization": organization.name}
    return token.membership.account.email, {**facts, "url": url}


@outbox.letter("seat_revoked", about=Token, rationed=True)
def to_unseated(token: Token, _: Any) -> tuple[str, dict[str, Any]] | None:
    person, organization = token.membership.account, token.membership.organization
    return person.email, {"name": person.name, "organization": organization.name}
