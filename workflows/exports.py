"""Exports: a list taken out of Usher is written down, as anything that an admin does."""

from __future__ import annotations

from datetime import timedelta

from workflows.accounts import Account
from workflows.engine import history, limits
from workflows.engine.db import command, lock
from workflows.memberships import Membership, require_admin, require_member
from workflows.organizations import Organization

SAME_CLICK = timedelta(seconds=10)


@command
def members(organization: Organization, *, by: Account) -> None:
    """Let this admin have the list of members; two clicks are one export."""
    own = lock(require_admin(by, organization))
    require_admin(by, organization)
    _write_down("export", own, by)


@command
def activity(organization: Organization, *, by: Account) -> None:
    """Let this member have the history, as far as they may see it; two clicks are one export."""
    own = lock(require_member(by, organization))
    require_member(by, organization)
    _write_down("export of activity", own, by)


def _write_down(what: str, own: Membership, by: Account) -> None:
    if limits.is_marked(what, own.id):
        return
    limits.mark(what, own.id, lasting=SAME_CLICK)
    history.note(own.organization_id, by=by)
