"""Lists as files for a spreadsheet, as they were searched: Manage Members, and Activity.

What would surprise a reader: they are asked for by POST. An export is written into the history, and
no link that is only looked at may do that.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, current_app, g
from werkzeug import Response

from web import downloads, searching, sentences
from web.activity import Asked, search_for
from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import chronicles, directories, exports, memberships
from workflows.directories import Search
from workflows.engine.db import db
from workflows.journeys import STEPS, Person
from workflows.memberships import ADMIN, MEMBER, Membership
from workflows.organizations import Organization

bp = Blueprint("exports", __name__)
TOGETHER = 500  # people, or actions, that are read in one go
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
MARK = "\ufeff"  # by which spreadsheets know UTF-8
COLUMNS = ("Name", "Email", "Role", "State", "Steps done", "Whose turn", "Since", "Why", "Used")
COLUMNS_OF_ACTIVITY = ("When", "By", "What", "Why")


@bp.post("/<slug>/members.csv")
@in_organization
@deed("Export Members", ADMIN)
def members() -> Any:
    search = searching.search(read(searching.Searched).model_dump())
    downloads.require_room()
    exports.members(g.organization, by=g.account)
    return _file("members", _pieces(_app(), g.organization.id, search))


@bp.post("/<slug>/activity.csv")
@in_organization
@deed("Export Activity", MEMBER)
def activity() -> Any:
    search = search_for(read(Asked).model_dump())
    downloads.require_room()
    exports.activity(g.organization, by=g.account)
    return _file("activity", _history(_app(), g.membership.id, search))


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]


def _file(what: str, pieces: Iterator[str]) -> Response:
    name = f"{g.organization.slug}-{what}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    answer = Response(pieces, headers=headers, content_type="text/csv; charset=utf-8")
    return downloads.handed(answer)


def _pieces(app: Flask, organization_id: int, search: Search) -> Iterator[str]:
    """The file, piece after piece; between two of them nothing is held, however slow the reader."""
    yield MARK + _line(COLUMNS)
    after: str | None = ""
    while after is not None:
        with app.app_context():
            organization = db.session.get_one(Organization, organization_id)
            page = directories.look_up(organization, search, after, TOGETHER)
            piece, after = "".join(_line(_row(person)) for person in page.people), page.after
        yield piece


def _history(app: Flask, membership_id: int, search: chronicles.Search) -> Iterator[str]:
    """The actions, newest first, as `_pieces` does it; they end where the membership has ended."""
    yield MARK + _line(COLUMNS_OF_ACTIVITY)
    before: int | None = None
    while True:
        with app.app_context():
            reader = db.session.get_one(Membership, membership_id)
            found = chronicles.of(reader, before, TOGETHER, search) if reader.active else []
            piece = "".join(_line(_told(entry)) for entry in found)
        yield piece
        if len(found) < TOGETHER:
            return
        before = found[-1].action.id


def _told(entry: chronicles.Entry) -> tuple[str, ...]:
    line = sentences.line(entry)
    said = "".join(word for word, _ in line.words)
    return line.at.isoformat(), sentences.doer(entry), said, line.why


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
