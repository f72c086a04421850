"""What operators may do to one workflow: asked for a reason first, then done by the same command.

What would surprise a reader: nothing is decided here. Each deed is tried for the menu, so that
what the command forbids is shown with the sentence of its rule.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template
from pydantic import BaseModel
from werkzeug import Response

from web.forms import read
from web.operator_deeds import DEEDS, ROWS, Deed
from web.people_menu import Item
from web.proving import as_operator
from web.session import for_operators
from workflows import memberships, operators
from workflows.engine import refusals
from workflows.engine.db import db
from workflows.engine.pauses import Pause
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.subscriptions import Subscription

bp = Blueprint("interventions", __name__)
INVITING = ("invitation", "invitation_reminder")  # letters to an address that may be wrong


class Reason(BaseModel):
    why: str = ""


class Told(Reason):
    email: str = ""


def why_not(deed: Deed, row: Any) -> str | None:
    """What stands against this, whoever asks first: the operator's right or the row's rule."""
    return refusals.why_not(operators.require_acting, g.account) or refusals.why_not(
        _may, deed, row
    )


def _may(deed: Deed, row: Any) -> None:
    place = getattr(row, "organization", None)
    if place is not None:
        memberships.require_open(place)
    deed.rule(row)


def menu(kind: str, row: Any) -> list[Item]:
    """All that can be done to a row, and why some of it cannot be."""
    items = [_item(kind, row, name) for name in DEEDS[kind]]
    if kind == "letters" and row.template in INVITING and row.state in ("bounced", "dead"):
        items.append(_item("invitations", db.session.get_one(Invitation, row.about_id), "correct"))
    return items


def acts(row: Any) -> list[Item]:
    """The same, of any row; nothing can be done to most."""
    return menu(row.__tablename__, row) if row.__tablename__ in DEEDS else []


def _item(kind: str, row: Any, name: str) -> Item:
    deed = DEEDS[kind][name]
    return Item(deed.label, f"/status/{kind}/{row.id}/{name}", why_not(deed, row), True, deed.red)


@bp.get("/status/<kind>/<int:row_id>/<deed>")
@for_operators
def ask(kind: str, row_id: int, deed: str) -> str:
    """What would come of it, and the question why."""
    asked, row = _found(kind, row_id, deed)
    no = why_not(asked, row)
    return render_template(
        "pages/status/ask.html", deed=asked, why_not=no, back=page_of(row), row=row,
        question=asked.question.format(title(row)), foreseen=[] if no else asked.foresee(row),
    )  # fmt: skip


@bp.post("/status/<kind>/<int:row_id>/<deed>")
@for_operators
@as_operator
def act(kind: str, row_id: int, deed: str) -> Response:
    asked, row = _found(kind, row_id, deed)
    typed = read(Told)
    about = [asked.about(row), typed.email] if asked.email else [asked.about(row)]
    made = operators.act(asked.command, *about, by=g.account, why=typed.why)
    flash(f"Done, and written down: {asked.label}.")
    return redirect(page_of(made if asked.email else row), 303)


def _found(kind: str, row_id: int, name: str) -> tuple[Deed, Any]:
    deed = DEEDS.get(kind, {}).get(name) or abort(404)
    return deed, db.session.get(ROWS[kind], row_id) or abort(404)


def title(row: Any) -> str:
    """What a row is called where something is asked about it."""
    if isinstance(row, Membership):
        return row.account.name
    if isinstance(row, Invitation):
        return row.email
    if isinstance(row, Subscription):
        return f"“{row.organization.name}”"
    return row.domain if isinstance(row, Pause) else str(row.id)


def page_of(row: Any) -> str:
    """Where a row is shown."""
    if isinstance(row, Pause):
        return "/status/letters"
    return f"/status/{row.__tablename__}/{row.id}"
