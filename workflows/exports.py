"""Exports: a list taken out of Usher is written down, as anything that an admin does."""

from __future__ import annotations

from datetime import timedelta

from workflows.accounts import Account
from workflows.engine import history, limits
from workflows.engine.db import command, lock
from workflows.memberships import require_admin
from workflows.organizations import Organization

SAME_CLICK = timedelta(seconds=10)


@command
def members(organization: Organization, *, by: Account) -> None:
    """Let this admin have the list of members; two clicks are one export."""
    own = lock(require_admin(by, organization))
    require_admin(by, organization)
    if limits.is_marked("export", own.id):
        return
    limits.mark("export", own.id, lasting=SAME_CLICK)
    history.note(organization.id, by=by)
