"""The way out, for whoever may not leave yet: the next step, and where to take it."""

from __future__ import annotations

from typing import NamedTuple

from workflows import directories, handovers, memberships
from workflows.engine.refusals import why_not
from workflows.memberships import Membership


class Way(NamedTuple):
    """What to do next, as a link."""

    label: str
    path: str


def of(membership: Membership) -> Way | None:
    """The next step towards leaving; None for whoever can leave at once."""
    if not why_not(membership.rehearse, "leave", by=membership.account):
        return None
    at, organization = f"/{membership.organization.slug}", membership.organization
    if not membership.is_owner:
        return Way("See Who Is an Admin", f"{at}/members?role=admin")
    if handovers.pending(organization):
        return Way("See the Open Offer", f"{at}/ownership")
    if len(memberships.admins(organization)) > 1:
        return Way("Hand Over Ownership", f"{at}/ownership")
    if directories.number_of_members(organization) > 1:
        return Way("Make Somebody an Admin", f"{at}/members")
    return Way("Invite Members", f"{at}/invitations/new")
