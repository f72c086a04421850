"""Corrections: an invitation that went to the wrong address goes to the right one.

It is revoked and a new one made in one command, so the link in the wrong mailbox opens nothing,
and the two name each other. Where an operator does it, it stays the invitation of whoever invited.
"""

from __future__ import annotations

from sqlalchemy import select

from workflows import accounts, invitations, memberships, quotas, seats
from workflows.accounts import Account
from workflows.engine import history, outbox
from workflows.engine.db import command, db, lock
from workflows.engine.identity import parse_address
from workflows.engine.refusals import Invalid
from workflows.invitations import OPEN, Invitation
from workflows.memberships import require_admin
from workflows.organizations import Organization


@command
def correct(invitation: Invitation, address: str, *, by: Account) -> Invitation:
    """Revoke it, and invite the right address instead, with the full time to answer."""
    organization = invitation.organization
    lock(organization, invitation)
    require_admin(by, organization)
    may_correct(invitation, by=by)
    spelling, key = parse_address(address)
    _require_new(organization, key, was=invitation.email_key)
    inviter = invitation.invited_by if history.is_an_operators() else by
    quotas.spend(organization, key, seats=seats.count(organization).bought, by=inviter)
    history.because(f"{invitation.email} became {spelling}")
    invitation.fire("revoke", by=by, became=spelling)
    outbox.post("invitation_revoked", about=invitation)
    corrected = invitations.begin(organization, spelling, key, by=by)
    corrected.invited_by = inviter
    corrected.instead_of, corrected.seat_wished = invitation.email, invitation.seat_wished
    return corrected


def may_correct(invitation: Invitation, *, by: Account) -> None:
    """The rule behind Correct Address: what can be revoked can go elsewhere."""
    invitation.rehearse("revoke", by=by)


def _require_new(organization: Organization, key: str, *, was: str) -> None:
    """Refuse an address that an invitation cannot go to."""
    if key == was:
        raise Invalid(email="This is the address it went to.")
    if memberships.of(accounts.with_key(key), organization):
        raise Invalid(email="This address is a member already.")
    open_ones = select(Invitation.id).filter_by(organization=organization, email_key=key)
    if db.session.scalar(open_ones.where(Invitation.state.in_(OPEN)).limit(1)):
        raise Invalid(email="This address is invited already.")
