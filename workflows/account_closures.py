"""Account closures: a person goes for good, and what would tell who it was is erased.

What would surprise a reader: an admin may not leave an organization, but may close the account;
only owners must hand over first. Nobody has to stay with us because nobody else is an admin. The
row stays, with its id, since the history points at it; the address may sign up again.
"""

from __future__ import annotations

from sqlalchemy import select, update

from workflows import (
    accounts,
    address_changes,
    bounces,
    departures,
    memberships,
    resets,
    sessions,
)
from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import command, db, lock
from workflows.engine.refusals import NotNow
from workflows.invitations import Invitation
from workflows.memberships import Membership

NO_PASSWORD = "-"  # no hash: nothing that is typed can be it


@command
def close(*, by: Account) -> None:
    """End every membership of a person, with seat and token, and forget who it was."""
    lock(*accounts.waiting_for(by.email_key))
    accounts.hold(by)
    theirs = memberships.of_account(by)
    lock(*theirs, *(one.organization for one in theirs))  # all at once, in one order
    may_close(by)
    for membership in theirs:
        if not membership.is_owner:  # of an organization that was closed: it keeps its owner
            departures.vanish(membership, by=by)
    _forget_addresses(by)
    by.fire(
        "close", by=by, name=accounts.CLOSED, email="", email_key=f"closed {by.id}",
        operator=False, acting=False,
        password_hash=NO_PASSWORD, password_round=by.password_round + 1,
    )  # fmt: skip


def may_close(account: Account) -> None:
    """The rule behind Close Account: no organization is left without an owner."""
    if mine := owned(account):
        one = f"“{mine[0].organization.name}”"
        what = one if len(mine) == 1 else f"{one} and {len(mine) - 1} more"
        raise NotNow(f"You own {what}, and an organization always has an owner.")


def owned(account: Account) -> list[Membership]:
    """The memberships that keep a person here: those as the owner."""
    theirs = memberships.of_account(account)
    return [one for one in theirs if one.is_owner and one.organization.state != "closed"]


def _forget_addresses(account: Account) -> None:
    """Keep no address of a person wherever it stands beside the account; letters are moot."""
    address_changes.forget(account)
    resets.forget(account.email_key)
    sessions.end_all(account)
    bounces.forget(account.id)
    accounts.drop_sign_ups(account.email_key)
    accounts.forget_sign_ups(account.email_key)
    theirs = select(Membership.id).filter_by(account_id=account.id)
    ids = select(Invitation.id).where(Invitation.membership_id.in_(theirs))
    accepted = list(db.session.scalars(ids))
    blank = update(Invitation).where(Invitation.id.in_(accepted))
    db.session.execute(blank.values(email=accounts.CLOSED, email_key=""))
    history.moved(Invitation.__tablename__, *accepted)
