"""Organizations of which nobody can be reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased

from workflows.ailments import Ailment, found
from workflows.bounces import Bounce
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.remedies import INQUIRE


def unreachable() -> Select[Any]:
    """Open organizations of which the last letter to the owner, and to each admin, was refused.

    It sets out from the people of whom that is known, who are few, whatever there is.
    """
    admin, last = aliased(Membership), aliased(Bounce)
    out_of_reach = admin.account_id.in_(select(Bounce.account_id))
    of_admins = select(last).join(admin, admin.account_id == last.account_id)
    admins = admin.organization_id == Organization.id, admin.state == "admin"
    since = of_admins.with_only_columns(func.max(last.at)).where(*admins)
    cause = of_admins.with_only_columns(last.cause).where(admin.id == Organization.owner_id)
    rows = found(Organization.id, since.scalar_subquery(), cause.scalar_subquery())
    theirs = Organization.id.in_(select(admin.organization_id).where(out_of_reach))
    rows = rows.where(theirs, Organization.state == "active")
    refused = exists().where(last.account_id == admin.account_id)
    return rows.where(~exists().where(*admins, ~refused))


PLACES = (
    Ailment(
        "organization-unreachable", "K18", "Organization that no letter reaches",
        "The last letters to the owner and to every other admin were refused for good, and none of "
        "them has been here since, so nobody hears of anything there. Nothing is lost, and all "
        "tokens work. Write to the admins once the mail server is mended. If the owner is gone, "
        "appoint somebody else from the organization’s page.",
        "organizations", unreachable, remedies=(INQUIRE,),
        itself="It ends when a letter to one of them is taken, or one of them is here.",
    ),
)  # fmt: skip
