"""Departures: a member goes; seat and token go in the same moment, the history stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows import acceptances, handovers, memberships, places, rosters, seat_blocks, seats
from workflows.accounts import Account
from workflows.engine import cohorts, outbox
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotAllowed
from workflows.engine.register import Made
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization


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


def vanish(membership: Membership, *, by: Account | None) -> None:
    """End the membership of somebody who closes their account; see `account_closures`."""
    _go(membership, "vanish", by)


def _go(membership: Membership, event: str, by: Account | None) -> None:
    membership.rehearse(event, by=by)
    lock(membership.organization)  # before an offer, a place and a seat, as a closure does
    handovers.fall_through(membership, by=by)  # or the database refuses the last of these lines
    places.step_out(membership.organization_id, [membership.id], by=by)
    seats.give_up(membership, "member_gone", by=by)
    membership.fire(event, by=by)
    if invitation := acceptances.of(membership):
        invitation.fire("close", by=by)


@command
def remove_all(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """End the memberships of these, and tell them; answers why some stay, by their ids."""
    people = rosters.members(rosters.hold(organization, ids, by=by))
    refused = cohorts.refused(people, "remove", by=by)
    good = [one for one in people if one.id not in refused]
    gone = [one.id for one in good]
    lock(organization)
    if (offer := handovers.pending(organization)) and offer.chosen_id in gone:
        handovers.fall_through(offer.chosen, by=by)
    places.step_out(organization.id, gone, by=by)
    seat_blocks.give_up(organization, gone, "member_gone", by=by)
    cohorts.fire(good, "remove", by=by)
    cohorts.fire(acceptances.of_all(gone), "close", by=by)
    cohorts.post("member_removed", organization.id, dict.fromkeys(gone, 0))
    return refused


@outbox.letter("member_removed", about=Membership, rationed=True)
def to_removed(membership: Membership, _: Any) -> Made:
    person = membership.account
    return person.email, {"name": person.name, "organization": membership.organization.name}
