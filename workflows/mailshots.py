"""Mailshots: many invitations sent again, or taken back, at once, as if it were one by one."""

from __future__ import annotations

from collections.abc import Sequence

from workflows import invitations, quotas
from workflows.accounts import Account
from workflows.engine import cohorts, sets
from workflows.engine.db import command
from workflows.invitations import Invitation
from workflows.memberships import require_admin
from workflows.organizations import Organization


@command
def resend(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Send these again, with the full time to answer; answers why some are not, by their ids."""
    require_admin(by, organization)
    asked = _hold(organization, ids)
    refused = cohorts.refused(asked, "resend", by=by)
    refused |= quotas.spend_all_again([one.id for one in asked if one.id not in refused])
    good = [one for one in asked if one.id not in refused]
    rounds = {one.id: one.round + 1 for one in good}
    cohorts.fire(
        good, "resend", by=by, expires_at=invitations.expiry(organization), asked_at=None,
        each={one: {"round": number} for one, number in rounds.items()},
    )  # fmt: skip
    cohorts.post("invitation", organization.id, rounds)
    return refused


@command
def revoke(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Take these back; answers why some cannot be, by their ids."""
    require_admin(by, organization)
    asked = _hold(organization, ids)
    refused = cohorts.refused(asked, "revoke", by=by)
    good = [one for one in asked if one.id not in refused]
    cohorts.fire(good, "revoke", by=by)
    cohorts.post("invitation_revoked", organization.id, {one.id: 0 for one in good})
    return refused


def _hold(organization: Organization, ids: Sequence[int]) -> list[Invitation]:
    here = Invitation.organization_id == organization.id
    return cohorts.hold(Invitation, here & sets.among(Invitation.id, ids))


def may_not_resend(asked: Sequence[Invitation], *, by: Account) -> dict[int, str]:
    """Why some of these cannot be sent again, by their ids; nothing is counted."""
    refused = cohorts.refused(asked, "resend", by=by)
    return quotas.waits([one.id for one in asked]) | refused
