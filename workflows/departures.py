"""Departures: a member goes; seat and token go in the same moment, the history stays."""

from __future__ import annotations

from typing import Any

from workflows import handovers, invitations, memberships, seats
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotAllowed
from workflows.memberships import Membership, require_admin


@command
def leave(membership: Membership, *, by: Account) -> None:
    """End one's own membership; admins must first be made members by another admin."""
    if by.id != membership.account_id:
        raise NotAllowed("Only the member can leave. An admin can remove a member.")
    lock(membership)
    _go(membership, "leave", by)


@command
def remove(membership: Membership, *, by: Account) -> None:
    """End the membership of somebody else, and tell them."""
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    _go(membership, "remove", by)
    outbox.post("member_removed", about=membership)


def _go(membership: Membership, event: str, by: Account) -> None:
    membership.rehearse(event, by=by)
    handovers.fall_through(membership, by=by)  # or the database refuses the last of these lines
    seats.give_up(membership, "member_gone", by=by)
    membership.fire(event, by=by)
    if invitation := invitations.accepted_by(membership):
        invitation.fire("close", by=by)


@outbox.letter("member_removed", about=Membership, rationed=True)
def to_removed(membership: Membership, _: Any) -> tuple[str, dict[str, Any]]:
    person = membership.account
    return person.email, {"name": person.name, "organization": membership.organization.name}
