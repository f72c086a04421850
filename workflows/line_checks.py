"""Line checks: all lines drawn anew, some at a time, whatever moved or did not."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, cast, func, literal, select

from workflows import lines
from workflows.engine import tallies
from workflows.engine.db import command, db
from workflows.invitations import Invitation
from workflows.lines import TOGETHER, Line
from workflows.memberships import Membership


@dataclass(frozen=True)
class Checked:
    """How far a check of all lines has come, and how many it had to mend on its last step."""

    members_to: int = 0
    invitations_to: int = 0
    mended: int = 0


@command
def check(before: Checked) -> Checked:
    """Draw the next few people anew, whatever moved or did not; from the beginning at the end."""
    members, theirs = _next(Membership, before.members_to)
    asked, askers = _next(Invitation, before.invitations_to)
    mended = lines.redraw(members, asked, one_by_one=True)
    mended += _recount(theirs | askers)
    return Checked(max(members, default=0), max(asked, default=0), mended)


def _next(kind: type[Membership] | type[Invitation], after: int) -> tuple[list[int], set[int]]:
    """The next ids of this table, and the organizations that they belong to."""
    rows = select(kind.id, kind.organization_id).where(kind.id > after).order_by(kind.id)
    found = db.session.execute(rows.limit(TOGETHER)).all()
    return [row_id for row_id, _ in found], {organization_id for _, organization_id in found}


def _recount(organization_ids: set[int]) -> int:
    """Mend the tallies of these organizations; answers how many were wrong."""
    name = literal("line ") + cast(Line.turn, String) + literal(" ") + cast(Line.done, String)
    mine = select(Line.organization_id, name, func.count())
    mine = mine.where(Line.organization_id.in_(organization_ids))
    counted = mine.group_by(Line.organization_id, Line.turn, Line.done)
    return tallies.mend([counted], "line%", organization_ids)
