"""Inquiries: an operator lets a letter be written to admins whom no letter has reached.

What would surprise a reader: the letter asks nothing of its reader. That a mail server takes it is
the answer, and ends what is known of the address (see `bounces`).
"""

from __future__ import annotations

from typing import Any

from workflows import bounces, memberships, operators
from workflows.accounts import Account
from workflows.engine import history, outbox
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotNow
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.memberships import Membership
from workflows.organizations import Organization

MOST = 10  # admins who are written to, the owner first


@command
def inquire(organization: Organization, *, by: Account) -> None:
    """Write to the admins, to see whether a letter reaches one of them by now."""
    operators.require_reason(by)
    may_inquire(lock(organization))
    for admin in memberships.admins(organization)[:MOST]:
        outbox.post("letters_came_back", about=admin)
    history.note(organization.id, by=by)


def may_inquire(organization: Organization) -> None:
    """The rule behind Write to the Admins."""
    memberships.require_open(organization)
    admins = {admin.account_id for admin in memberships.admins(organization)}
    if admins - bounces.of(admins).keys():
        raise NotNow("No letter to an admin there came back, or one can be reached by now.")


@outbox.letter("letters_came_back", about=Membership)
def to_admin(admin: Membership, _: Any) -> Made:
    """Whoever is no admin there any more has nothing to do with it."""
    place = admin.organization
    if admin.state != "admin" or place.state == "closed":
        return None
    return admin.account.email, {
        "name": admin.account.name, "organization": place.name,
        "url": f"{settings().base_url}/{place.slug}/activity",
    }  # fmt: skip
