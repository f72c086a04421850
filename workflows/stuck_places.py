"""Organizations of which nobody can be reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from workflows.ailments import Ailment, found
from workflows.bounces import Bounce
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.remedies import INQUIRE


def unreachable() -> Select[Any]:
    """Open organizations of which the last letter to the owner, and to each admin, was refused.

    It sets out from the owners of whom that is so, who are few, whatever there is.
    """
    owner, admin, last = aliased(Membership), aliased(Membership), aliased(Bounce)
    refused = exists().where(last.account_id == admin.account_id)
    admins = admin.organization_id == Organization.id, admin.state == "admin"
    since = select(func.max(last.at)).join(admin, admin.account_id == last.account_id)
    rows = found(
        Organization.id, since.where(*admins).scalar_subquery(), Bounce.cause, Organization.id
    )
    theirs = and_(Organization.id == owner.organization_id, Organization.owner_id == owner.id)
    rows = rows.select_from(Bounce).join(owner, owner.account_id == Bounce.account_id)
    rows = rows.join(Organization, theirs).where(Organization.state == "active")
    return rows.where(~exists().where(*admins, ~refused))


PLACES = (
    Ailment(
        "organization-unreachable", "K18", "Organization that no letter reaches",
        "The last letters to the owner and to every other admin were refused for good, and none of "
        "them has been here since, so nobody hears of anything there. Nothing is lost, and all "
        "tokens work. Write to the admins once the mail server is mended. If the owner is gone, "
        "appoint somebody else: the organization’s page names who may follow.",
        "organizations", unreachable, remedies=(INQUIRE,),
        itself="It ends when a letter to one of them is taken, or one of them is here.",
    ),
)  # fmt: skip
