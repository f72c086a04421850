"""Roles: an admin gives control to somebody, and takes it away.

The machine of roles stands in `memberships`. What would surprise a reader: whoever is no admin any
more cannot become the owner either, so an open offer of ownership to them ends in the same moment.
"""

from __future__ import annotations

from workflows import handovers, memberships
from workflows.accounts import Account
from workflows.engine.db import command
from workflows.memberships import Membership, require_admin


@command
def make_admin(membership: Membership, *, by: Account) -> None:
    """Give administrative and billing control."""
    _change(membership, "make_admin", by)


@command
def make_billing_admin(membership: Membership, *, by: Account) -> None:
    """Give billing control, and nothing else."""
    _change(membership, "make_billing_admin", by)


@command
def make_member(membership: Membership, *, by: Account) -> None:
    """Take all control away; seat and token stay."""
    _change(membership, "make_member", by)


def _change(membership: Membership, event: str, by: Account) -> None:
    memberships.lock_both(membership, by)
    require_admin(by, membership.organization)
    membership.rehearse(event, by=by)
    handovers.fall_through(membership, by=by)  # or the database refuses the next line
    membership.fire(event, by=by)
