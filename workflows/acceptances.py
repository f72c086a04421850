"""Acceptances: invitations that became a membership and wait for its seat."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, text

from workflows.engine import cohorts, sets
from workflows.engine.db import db
from workflows.invitations import Invitation
from workflows.memberships import Membership


def of(membership: Membership) -> Invitation | None:
    """The invitation that made this membership, while it waits for a seat."""
    waiting = select(Invitation).filter_by(membership_id=membership.id, state="accepted")
    return db.session.scalar(waiting)


def of_all(member_ids: Collection[int]) -> list[Invitation]:
    """The invitations that made these memberships, held, as far as they wait for a seat."""
    mine = sets.among(Invitation.membership_id, member_ids)
    # A literal, for its index: that of members looks useless to SQLite until somebody has accepted.
    return cohorts.hold(Invitation, mine & text("invitations.state = 'accepted'"))
