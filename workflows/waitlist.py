"""Waitlist: a member asks for a seat, an admin says yes, and a seat comes when one frees.

What would surprise a reader: nothing here gives away what frees. `seats` does, at the moment it
frees or is bought, in whatever command that happens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select, text

from workflows import memberships, places, seats
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import command, db, lock, now
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.engine.settings import settings
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization
from workflows.places import IN_LINE, Place
from workflows.seats import Room, Seat

GATHERED = timedelta(days=1)  # wishes for a seat reach an admin in one letter a day
OFFERED = 50  # people without a seat, of whom one can be chosen


@command
def ask(membership: Membership, *, by: Account) -> Place:
    """Ask the admins for a seat; they hear of all who ask in one letter a day."""
    _require_oneself(membership, by)
    lock(membership)
    may_ask(membership)
    place = places.begin(membership, by=by)
    _tell_admins(membership.organization)
    return place


def may_ask(membership: Membership) -> None:
    """The rule behind Ask for a Seat."""
    memberships.require_active(membership)
    if seats.of(membership):
        raise NotNow("You have a seat already.")
    if place := places.of(membership):
        raise NotNow(
            "You have asked for a seat already. An admin decides next."
            if place.state == "asked"
            else "You are in line already. Whoever is first gets the next seat that frees."
        )


@command
def withdraw(membership: Membership, *, by: Account) -> None:
    """Want no seat any more."""
    _require_oneself(membership, by)
    lock(membership)
    if not places.step_out(membership, by=by):
        raise NotNow("You are not waiting for a seat.")


def _require_oneself(membership: Membership, by: Account) -> None:
    if by.id != membership.account_id:
        raise NotAllowed("Only the member can do this. An admin can put somebody in line.")


@command
def line_up(membership: Membership, *, by: Account) -> None:
    """Give the member a free seat, or a place in line: the next seat that frees is theirs."""
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    may_line_up(membership)
    seat_or_queue(membership, by=by)


def may_line_up(membership: Membership, room: Room | None = None) -> None:
    """The rule behind Put in Line."""
    seats.may_have(membership, room)
    waiting = room.waiting if room else places.standings([membership.id])
    if (one := waiting.get(membership.id)) and one.place.state == "queued":
        raise NotNow(f"{membership.account.name} is in line already.")


def seat_or_queue(membership: Membership, *, by: Account | None) -> None:
    """A seat if one is free, else a place in line.

    The organization is held, as it is by whoever frees or adds a seat: else one could free
    between our look for it and our place in line, and would wait beside us.
    """
    lock(membership.organization)
    place = places.hold(membership)
    if seat := seats.free_one(membership.organization_id):
        seats.give(seat, membership, place, by=by)
    else:
        places.queue(membership, place, by=by)


@command
def put_first(membership: Membership, *, by: Account) -> None:
    """Let this member have the next seat that frees."""
    place = _hold_for_admin(membership, by)
    place.fire("put_first", by=by, rank=places.rank_before_all(place.organization_id))


@command
def refuse(membership: Membership, *, by: Account) -> None:
    """Take somebody out of the line, or answer a wish with no."""
    places.end(_hold_for_admin(membership, by), "refuse", by=by)


def _hold_for_admin(membership: Membership, by: Account) -> Place:
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    place = places.hold(membership)
    if place is None:
        raise NotNow(f"{membership.account.name} is not waiting for a seat.")
    return place


def serve_all() -> None:
    """Serve whoever waits beside a free seat, which no command leaves behind, but a crash may."""
    free = exists().where(
        Seat.organization_id == Place.organization_id, text("seats.state = 'free'")
    )
    beside = select(Place.organization_id).where(text("places.state = 'queued'"), free).distinct()
    for organization_id in db.session.scalars(beside).all():
        _serve(organization_id)


@command
def _serve(organization_id: int) -> None:
    lock(db.session.get_one(Organization, organization_id))
    seats.fill(organization_id)


def number_in_line(organization: Organization) -> int:
    """How many are in line, counted up to the place that anybody is told."""
    return len(places.line(organization.id))


def next_ones(organization: Organization) -> list[Membership]:
    """Who could have the next seat: those in line, then those who asked, then the others."""
    mine = select(Membership).where(Membership.organization_id == organization.id)
    place = (Place.membership_id == Membership.id) & text("places.state IN ('queued', 'asked')")
    queued = (Place.state != "queued", *IN_LINE)
    in_line = mine.join(Place, place).order_by(*queued).limit(OFFERED)
    first = list(db.session.scalars(in_line))
    seated = exists().where(Seat.membership_id == Membership.id)
    others = mine.where(Membership.state == "member", ~seated, ~exists().where(place))
    oldest = others.order_by(Membership.id).limit(OFFERED - len(first))
    return [*first, *db.session.scalars(oldest)]


def _tell_admins(organization: Organization) -> None:
    """One letter to each admin, not before a day after the last one."""
    hear = {admin.id: admin for admin in memberships.admins(organization)}
    before = outbox.newest(("seat_asked",), hear)
    for admin_id, admin in hear.items():
        last = before.get(admin_id)
        if last and last.state in ("pending", "sending"):
            continue
        posted = outbox.post("seat_asked", about=admin)
        if last:
            posted.due_at = max(now(), last.posted_at + GATHERED)


@outbox.letter("seat_asked", about=Membership)
def to_admin(admin: Membership, _: Any) -> tuple[str, dict[str, Any]] | None:
    """Who has asked by now, and waits for an answer."""
    organization = admin.organization
    asked = select(Place).where(Place.organization_id == organization.id, text("state = 'asked'"))
    waiting = db.session.scalars(asked.order_by(Place.id)).all()
    if admin.state != "admin" or not waiting:
        return None
    names = [place.membership.account.name for place in waiting[:5]]
    url = f"{settings().base_url}/{organization.slug}/members?turn=yours"
    facts = {"names": names, "number": len(waiting), "url": url}
    return admin.account.email, {**facts, "organization": organization.name}
