"""Closures: the owner closes an organization, and all it has ends in the same moment.

What would surprise a reader: the memberships stay as they are, since the history needs its people
and the owner's foreign key an admin; but a closed organization has no pages, so nobody can do
anything with them. Its ID is never free again. Rows are moved in sets, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, text, update

from workflows import cancellations, directories, handovers, lines, seats, subscriptions, verdicts
from workflows.accounts import Account
from workflows.engine import mailings, outbox, sets, tallies
from workflows.engine.db import command, db, lock
from workflows.engine.refusals import Invalid
from workflows.engine.register import Made
from workflows.engine.sweeps import sweep
from workflows.invitations import IS_OPEN, Invitation
from workflows.memberships import Membership, require_owner
from workflows.organizations import Organization
from workflows.places import NOBODY, Place
from workflows.seats import Count, Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Generation, Token
from workflows.verdicts import Verdict


@dataclass(frozen=True)
class Ending:
    """What an organization has that would end with it."""

    members: int
    seats: Count
    invitations: int
    subscription: Subscription | None


@command
def close(organization: Organization, typed: str, *, by: Account) -> None:
    """End the organization for good; every member hears of it."""
    lock(organization)
    require_owner(by, organization)
    if typed.strip().lower() != organization.slug:
        raise Invalid(typed=f"Type {organization.slug} to close the organization.")
    organization.fire("close", by=by)
    verdicts.hold(organization.id, "organization_closed")
    handovers.call_off(organization, by=by)
    cancellations.break_off(organization, by=by)
    _end_tokens(organization, by)
    _end_places(organization, by)
    _end_seats(organization, by)
    revoked = _end_invitations(organization, by)
    lines.forget(organization)
    tallies.forget(organization.id)
    mailings.post_all("invitation_revoked", organization.id, dict.fromkeys(revoked, 0))
    everybody = dict.fromkeys(_members(organization), 0)
    mailings.post_all("organization_closed", organization.id, everybody)


def _end_tokens(organization: Organization, by: Account) -> None:
    """The tokens first: a letter that is being written holds its token, and mints before us."""
    ours = Token.organization_id == organization.id
    sweep(Token, ours, "revoke", organization_id=organization.id, by=by, seat_id=None)
    theirs = select(Token.id).where(ours)
    ends = {"reason": "revoked", "ends_at": organization.since}
    living = Generation.token_id.in_(theirs) & _works_at(Generation, organization)
    sets.write(update(Generation).where(living).values(**ends))
    answered = (Verdict.organization_id == organization.id) & _works_at(Verdict, organization)
    sets.write(update(Verdict).where(answered).values(**ends))


def _works_at(kind: Any, organization: Organization) -> Any:
    return kind.ends_at.is_(None) | (kind.ends_at > organization.since)


def _end_places(organization: Organization, by: Account) -> None:
    """Nobody waits for a seat of what is closed, and none that frees finds somebody in line."""
    ours = Place.organization_id == organization.id
    sweep(Place, ours, "withdraw", organization_id=organization.id, by=by, **NOBODY)


def _end_seats(organization: Organization, by: Account) -> None:
    ours = Seat.organization_id == organization.id
    nobody = {"membership_id": None, "holder_active": None}
    sweep(Seat, ours, "free_up", organization_id=organization.id, by=by, **nobody)
    sets.write(delete(Seat).where(ours))


def _end_invitations(organization: Organization, by: Account) -> list[int]:
    """Answers which were open."""
    ours, place = Invitation.organization_id == organization.id, organization.id
    sweep(Invitation, ours, "close", organization_id=place, by=by)
    return sweep(Invitation, ours, "revoke", organization_id=place, by=by)


def _members(organization: Organization) -> list[int]:
    active = select(Membership.id).filter_by(organization_id=organization.id, active=True)
    return list(db.session.scalars(active.order_by(Membership.id)))


def ending(organization: Organization) -> Ending:
    """What `close` would end, for the page that asks."""
    asked = select(func.count()).select_from(Invitation).filter_by(organization=organization)
    return Ending(
        members=directories.number_of_members(organization),
        seats=seats.count(organization),
        invitations=db.session.scalar(asked.where(text(IS_OPEN))) or 0,
        subscription=subscriptions.live(organization),
    )


@outbox.letter("organization_closed", about=Membership, rationed=True)
def to_member(membership: Membership, _: Any) -> Made:
    organization, person = membership.organization, membership.account
    if organization.state != "closed" or not membership.active:
        return None
    assert organization.owner is not None
    owner = organization.owner.account
    facts = {"name": person.name, "organization": organization.name}
    return person.email, {**facts, "owner_name": owner.name, "owner_email": owner.email}
