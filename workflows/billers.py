"""Billers: those who look after the bill of an organization, and hear how it stands.

What would surprise a reader: a letter is about the member, not about the subscription, so each
recipe looks at what is true when it leaves.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workflows.engine import cohorts
from workflows.engine.db import db
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.memberships import BILLING, Membership
from workflows.organizations import Organization


def tell(template: str, organization: Organization) -> None:
    """Write to everybody who looks after the bill."""
    mine = select(Membership.id).filter_by(organization_id=organization.id)
    bill = mine.where(Membership.state.in_(BILLING.who)).order_by(Membership.id)
    cohorts.post(template, organization.id, dict.fromkeys(db.session.scalars(bill), 0))


def letter_to(member: Membership, **facts: Any) -> Made:
    """The letter to one of these, with these facts; None to who looks after the bill no more."""
    if member.state not in BILLING.who:
        return None
    organization = member.organization
    url = f"{settings().base_url}/{organization.slug}/subscriptions"
    known = {"name": member.account.name, "organization": organization.name, "url": url}
    return member.account.email, {**known, **facts}
