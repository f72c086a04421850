"""Arrivals: somebody invited comes in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workflows import accounts, invitations, memberships, places, quotas, seats, waitlist
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import command, db, lock
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.invitations import Invitation
from workflows.memberships import Membership


@command
def accept(invitation: Invitation, *, by: Account) -> Membership:
    """Make the invited person a member, and tell the admin who asked.

    Whoever is a member already is taken in as they are; a second click finds the work done.
    """
    accounts.hold(by)
    lock(invitation.organization, invitation)
    membership = memberships.of(by, invitation.organization)
    if membership and invitation.membership_id == membership.id:
        return membership
    may_accept(invitation, by=by)
    sponsor = _sponsor(invitation) if membership is None else None
    if membership is None:
        membership = Membership.begin(organization=invitation.organization, account=by, by=by)
    invitation.fire("accept", by=by, membership_id=membership.id)
    if sponsor:
        waitlist.seat_or_queue(
            invitation.organization_id, [membership.id], "joined", sponsor, by=by
        )
    elif seats.of(membership):
        invitation.fire("seat", by=by)
    quotas.welcomed(invitation.organization_id)
    outbox.post("invitation_accepted", about=invitation)
    return membership


def _sponsor(invitation: Invitation) -> Account | None:
    """The inviter, if they wished a seat for whoever accepts, and are an admin still."""
    inviter = memberships.of(invitation.invited_by, invitation.organization)
    wishes = invitation.seat_wished and inviter and inviter.state == "admin"
    return invitation.invited_by if wishes else None


def may_accept(invitation: Invitation, *, by: Account) -> None:
    """The rule behind Accept Invitation."""
    memberships.require_open(invitation.organization)
    invitation.rehearse("accept", by=by)


def sign_up_by_link(invitation: Invitation, name: str, password: str) -> Account:
    """An account for whoever holds the link, and the invitation accepted: the link is the proof."""
    accounts.require_new(invitation.email_key)
    # Slow, so before the transaction.
    name, hashed = accounts.prepared(name, password, "invitation", invitation.id)
    return arrive(invitation, name, hashed)


@command
def arrive(invitation: Invitation, name: str, password_hash: str) -> Account:
    key = invitation.email_key
    account = accounts.create_proved(name, invitation.email, key, password_hash)
    accept(invitation, by=account)
    return account


def waiting_for(account: Account) -> list[Invitation]:
    """Open invitations to this person's address."""
    waiting = select(Invitation).filter_by(email_key=account.email_key, state="sent")
    return list(db.session.scalars(waiting.order_by(Invitation.id)))


@outbox.letter("invitation_accepted", about=Invitation)
def to_inviter(invitation: Invitation, _: Any) -> Made:
    if invitation.state not in ("accepted", "seated") or invitation.membership is None:
        return None
    member, organization = invitation.membership.account, invitation.organization
    url = f"{settings().base_url}/{organization.slug}/members"
    facts: dict[str, Any] = {"member_name": member.name, "member_email": member.email}
    facts["seated"] = invitation.state == "seated"
    facts["in_line"] = places.of(invitation.membership) is not None
    told = invitations.who_hears(invitation)
    return told.email, {**facts, "organization": organization.name, "url": url}
