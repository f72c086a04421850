"""The list of Manage Members as a file for a spreadsheet, as it was searched and ordered.

What would surprise a reader: it is asked for by POST. An export is written into the history, and
no link that is only looked at may do that.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, current_app, g
from pydantic import BaseModel

from web import searching
from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import directories, exports, memberships
from workflows.directories import Search
from workflows.engine.db import db
from workflows.journeys import STEPS, Person
from workflows.memberships import ADMIN
from workflows.organizations import Organization

bp = Blueprint("exports", __name__)
TOGETHER = 500  # people that are read in one go
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = ("Name", "Email", "Role", "State", "Steps done", "Whose turn", "Since", "Why", "Used")


class Searched(BaseModel):
    """The search whose people are wanted."""

    q: str = ""
    turn: str = ""
    role: str = ""
    place: str = ""
    failed: str = ""
    order: str = ""


@bp.post("/<slug>/members.csv")
@deed("Export Members", ADMIN)
@in_organization
def members() -> Any:
    search = searching.search(read(Searched).model_dump())
    exports.members(g.organization, by=g.account)
    name = f"{g.organization.slug}-members.csv"
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return (
        _pieces(app, g.organization.id, search),
        {"Content-Type": "text/csv; charset=utf-8",
         "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )  # fmt: skip


def _pieces(app: Flask, organization_id: int, search: Search) -> Iterator[str]:
    """The file, piece after piece; between two of them nothing is held, however slow the reader."""
    yield "\ufeff" + _line(COLUMNS)  # the mark by which spreadsheets know UTF-8
    after: str | None = ""
    while after is not None:
        with app.app_context():
            organization = db.session.get_one(Organization, organization_id)
            page = directories.look_up(organization, search, after, TOGETHER)
            piece, after = "".join(_line(_row(person)) for person in page.people), page.after
        yield piece


def _row(person: Person) -> tuple[str, ...]:
    member, asked, token = person.membership, person.invitation, person.token
    used = token.last_used_at if token else None
    who = (member.account.name, member.account.email) if member else ("", asked.email)
    return (
        *who, memberships.role(member) if member else "", person.state,
        f"{person.done} of {len(STEPS)}", person.turn.whose, person.since.isoformat(),
        person.turn.sentence, used.isoformat() if used else "",
    )  # fmt: skip


def _line(values: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(value) for value in values])
    return line.getvalue()


def _harmless(value: str) -> str:
    """What a spreadsheet would reckon becomes text: a name is no formula."""
    return f"'{value}" if value.startswith(FORMULAS) else value
