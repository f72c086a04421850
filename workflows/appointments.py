"""Appointments: an operator makes a member the owner, because the owner is gone or unreachable.

What would surprise a reader: nobody is asked. It is written down as an offer that an operator
settled in place of the chosen one (see `handovers`), and both hear of it by mail, with the reason.
"""

from __future__ import annotations

from typing import Any

from workflows import handovers, memberships, operators, organizations
from workflows.accounts import Account
from workflows.engine import history, outbox
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.engine.register import Made
from workflows.handovers import Handover
from workflows.memberships import Membership


@command
def appoint(membership: Membership, *, by: Account) -> Handover:
    """Make this member the owner, and an admin first; whoever was the owner stays an admin."""
    lock(membership, membership.organization)
    operators.require_reason(by)
    may_appoint(membership, by=by)
    if membership.state != "admin":
        membership.fire("make_admin", by=by)
    handover = handovers.appoint(membership, by=by)
    organizations.pass_on(membership.organization, membership)
    outbox.post("owner_appointed", about=handover)
    outbox.post("owner_replaced", about=handover)
    return handover


def may_appoint(membership: Membership, *, by: Account) -> None:
    """The rule behind Appoint as Owner; nobody takes an organization for themselves."""
    memberships.require_open(membership.organization)
    memberships.require_active(membership)
    if membership.is_owner:
        raise NotNow(f"{membership.account.name} is the owner already.")
    open_one = handovers.pending(membership.organization)
    if open_one and open_one.chosen_id != membership.id:
        name = open_one.chosen.account.name
        raise NotNow(f"Ownership is offered to {name}. Appoint {name}, or withdraw that offer.")
    if by.id == membership.account_id:
        raise NotAllowed("You cannot appoint yourself. Ask another operator.")


def foresee(membership: Membership) -> list[str]:
    """What else would come of it, in sentences."""
    place, name = membership.organization, membership.account.name
    was = place.owner.account.name if place.owner else "Nobody"
    told = [f"{was} is the owner of “{place.name}” now, and stays an admin."]
    if membership.state != "admin":
        role = memberships.role(membership).lower()
        told.append(f"{name} is a {role} now, and becomes an admin.")
    return told


@outbox.letter("owner_appointed", about=Handover)
def to_new_owner(handover: Handover, _: Any) -> Made:
    return handover.chosen.account.email, _facts(handover, handover.chosen)


@outbox.letter("owner_replaced", about=Handover)
def to_old_owner(handover: Handover, _: Any) -> Made:
    return handover.owner.account.email, _facts(handover, handover.owner)


def _facts(handover: Handover, reader: Membership) -> dict[str, Any]:
    """As for other letters about ownership, with the reason that the operator gave."""
    word, email = history.history(handover)[-1].action.why, handover.chosen.account.email
    return handovers.facts(handover, reader) | {"word": word, "chosen_email": email}
