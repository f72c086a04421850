"""Departures: a member goes; seat and token go in the same moment, the history stays.

What would surprise a reader: an admin may not leave an organization, but may close the account;
only owners must hand over first. Nobody has to stay with us because nobody else is an admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from workflows import (
    accounts,
    address_changes,
    handovers,
    invitations,
    memberships,
    resets,
    seat_blocks,
    seats,
    sessions,
)
from workflows.accounts import Account
from workflows.engine import cohorts, history, identity, outbox
from workflows.engine.db import command, db, lock
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.invitations import Invitation
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


def _go(membership: Membership, event: str, by: Account) -> None:
    membership.rehearse(event, by=by)
    handovers.fall_through(membership, by=by)  # or the database refuses the last of these lines
    seats.give_up(membership, "member_gone", by=by)
    membership.fire(event, by=by)
    if invitation := invitations.accepted_by(membership):
        invitation.fire("close", by=by)


@command
def remove_all(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """End the memberships of these, and tell them; answers why some stay, by their ids."""
    people = memberships.hold_all(organization, ids, by=by)
    refused = cohorts.refused(people, "remove", by=by)
    good = [one for one in people if one.id not in refused]
    gone = [one.id for one in good]
    if (offer := handovers.pending(organization)) and offer.chosen_id in gone:
        handovers.fall_through(offer.chosen, by=by)
    seat_blocks.give_up(organization, good, "member_gone", by=by)
    cohorts.fire(good, "remove", by=by)
    cohorts.fire(seat_blocks.accepted_by(gone), "close", by=by)
    cohorts.post("member_removed", organization.id, dict.fromkeys(gone, 0))
    return refused


def close_account(*, by: Account) -> None:
    """End every membership of a person and forget who it was; the address may sign up anew."""
    _close_account(identity.unusable_password(), by=by)


@command
def _close_account(password_hash: str, *, by: Account) -> None:
    lock(*accounts.waiting_for(by.email_key), by)
    accounts.hold(by)
    theirs = memberships.of_account(by)
    lock(*theirs)
    may_close_account(by)
    for membership in theirs:
        if not membership.is_owner:  # of an organization that was closed: it keeps its owner
            _go(membership, "vanish", by)
    _forget_addresses(by)
    nobody = f"closed {by.id}"  # no address can be spelled like this
    by.fire(
        "close", by=by, name=accounts.CLOSED, email="", email_key=nobody, operator=False,
        password_hash=password_hash, password_round=by.password_round + 1,
    )  # fmt: skip


def may_close_account(account: Account) -> None:
    """The rule behind Close Account: no organization is left without an owner."""
    if names := [f"“{one.organization.name}”" for one in owned(account)]:
        raise NotNow(f"You own {', '.join(names)}, and an organization always has an owner.")


def owned(account: Account) -> list[Membership]:
    """The memberships that keep a person here: those as the owner."""
    theirs = memberships.of_account(account)
    return [one for one in theirs if one.is_owner and one.organization.state != "closed"]


def _forget_addresses(account: Account) -> None:
    """Keep no address of a person wherever it stands beside the account; letters are moot."""
    address_changes.forget(account)
    resets.forget(account.email_key)
    sessions.end_all(account)
    accounts.forget_sign_ups(account.email_key)
    theirs = select(Membership.id).filter_by(account_id=account.id)
    ids = select(Invitation.id).where(Invitation.membership_id.in_(theirs))
    accepted = list(db.session.scalars(ids))
    blank = update(Invitation).where(Invitation.id.in_(accepted))
    db.session.execute(blank.values(email=accounts.CLOSED, email_key=""))
    history.moved(Invitation.__tablename__, *accepted)


@outbox.letter("member_removed", about=Membership, rationed=True)
def to_removed(membership: Membership, _: Any) -> tuple[str, dict[str, Any]]:
    person = membership.account
    return person.email, {"name": person.name, "organization": membership.organization.name}
