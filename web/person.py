"""One person of an organization: the line with dates, what happened, and every letter.

Admins open it for everybody, a member for themselves: there it tells what concerns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, g, render_template

from web import people_menu, sentences
from web.rows import of_this_organization
from web.session import in_organization
from workflows import chronicles, correspondence, journeys, memberships, own_turns, titles, tokens
from workflows.chronicles import Entry
from workflows.correspondence import Posted
from workflows.invitations import Invitation
from workflows.journeys import Person
from workflows.memberships import Membership

bp = Blueprint("person", __name__)
STEPS = {  # what takes a person to each step of journeys.STEPS
    ("invitations", "begin"): "Invited",
    ("memberships", "begin"): "Accepted",
    ("tokens", "begin"): "Seated",
    ("tokens", "activate"): "Activated",
}


@dataclass(frozen=True)
class Moment:
    """One entry of the timeline: a sentence about what happened, or a letter."""

    at: datetime
    line: sentences.Line | None = None
    posted: Posted | None = None
    name: str = ""  # of the letter


@bp.get("/<slug>/members/<int:membership_id>")
@in_organization
def member(membership_id: int) -> Any:
    found = _mine_or_theirs(membership_id)
    person = journeys.of_member(found) if found.active else None
    if person and found.id == g.membership.id:
        person = own_turns.for_themselves(person)
    facts = {"member": found, "token": tokens.of(found), "address": found.account.email}
    facts["earlier"] = memberships.earlier(found)
    facts["back"] = None if found.active else memberships.of(found.account, g.organization)
    return _page(found.account.name, person, chronicles.rows_of(found), **facts)


def _mine_or_theirs(membership_id: int) -> Membership:
    if membership_id == g.membership.id:
        return g.membership  # type: ignore[no-any-return]
    return of_this_organization(Membership, membership_id)


@bp.get("/<slug>/invitations/<int:invitation_id>")
@in_organization
def invitation(invitation_id: int) -> Any:
    asked = of_this_organization(Invitation, invitation_id)
    [person] = journeys.of_invitations([asked.id]) or [None]
    rows = chronicles.rows_of_address(asked)
    return _page(asked.email, person, rows, invitation=asked)


def _page(title: str, person: Person | None, rows: dict[str, Any], **facts: Any) -> str:
    admin = g.membership.state == "admin"
    row = people_menu.of_people([person], g.organization, by=g.account)[0] if person else None
    happened = chronicles.about(with_letters(rows))
    return render_template(
        "pages/members/person.html",
        heading=title, person=person, row=row, admin=admin,
        dates=dates(person, happened), moments=moments(happened, rows), **facts,
    )  # fmt: skip


def dates(person: Person | None, happened: list[Entry]) -> dict[str, datetime]:
    """When the person came to each step, the last time they did."""
    dates: dict[str, datetime] = {}
    for entry in happened:
        for step in entry.steps:
            if name := STEPS.get((step.kind, step.event)):
                dates.setdefault(name, entry.action.at)
    if person and person.token and person.token.first_download_at:
        dates["First download"] = person.token.first_download_at
    return dates


def with_letters(rows: dict[str, Any]) -> dict[str, Any]:
    """These rows and the letters about them, which operators may have moved."""
    return {**rows, "letters": correspondence.ids(rows)}


def moments(happened: list[Entry], rows: dict[str, Any], *, named: bool = False) -> list[Moment]:
    """What happened and what was mailed, newest first; operators are `named` to each other."""
    return told(happened, correspondence.about(rows), named=named)


def told(
    happened: Sequence[Entry], letters: Sequence[Posted], *, named: bool = False
) -> list[Moment]:
    lines = [Moment(one.action.at, sentences.line(one, named=named)) for one in happened]
    mailed = [
        Moment(one.at, posted=one, name=titles.letter(one.letter.template)) for one in letters
    ]
    return sorted([*lines, *mailed], key=lambda moment: moment.at, reverse=True)
