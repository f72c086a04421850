"""What operators may do to one workflow: asked for a reason first, then done by the same command.

What would surprise a reader: nothing is decided here. Each deed is tried for the menu, so that
what the command forbids is shown with the sentence of its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template
from pydantic import BaseModel
from werkzeug import Response

from web.forms import read
from web.people_menu import Item
from web.proving import as_operator
from web.session import for_operators
from workflows import corrections, deliveries, invitations, memberships, operators, seats, tokens
from workflows.engine import refusals
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.pauses import Pause
from workflows.engine.refusals import NotNow
from workflows.invitations import Invitation
from workflows.memberships import Membership

bp = Blueprint("interventions", __name__)


class Reason(BaseModel):
    why: str = ""


class Told(Reason):
    email: str = ""


@dataclass(frozen=True)
class Deed:
    """Something to do to a row: what comes of it, the command, and the rule that it asks first."""

    label: str
    question: str  # with {} for what people call the row
    comes: str
    command: Callable[..., Any]
    rule: Callable[[Any], None]
    red: bool = False
    about: Callable[[Any], Any] = lambda row: row  # what the command is given
    email: bool = False  # an address is typed, which the command is given too


def _event(name: str) -> Callable[[Any], None]:
    return lambda row: row.rehearse(name, by=g.account)


def _token(member: Membership) -> Any:
    token = tokens.of(member)
    if token is None:
        raise NotNow(f"{member.account.name} has no seat.")
    return token


DEEDS: Mapping[str, Mapping[str, Deed]] = {
    "invitations": {
        "resend": Deed(
            "Resend", "Resend the invitation to {}?",
            "The invitation leaves again, with the full time to answer. Links in "
            "earlier letters keep working.", invitations.resend, _event("resend"),
        ),
        "expire": Deed(
            "Expire", "Let the invitation to {} run out?",
            "It can be accepted no more, and whoever sent it hears of it. It can be "
            "sent again.", invitations.end, _event("expire"),
        ),
        "revoke": Deed(
            "Revoke Invitation", "Revoke the invitation to {}?",
            "It can be accepted no more. If its letter has left, another one "
            "says so.", invitations.revoke, _event("revoke"), red=True,
        ),
        "correct": Deed(
            "Correct Address", "Correct the address {}?",
            "This invitation is revoked, and the right address is invited "
            "instead, with the full time to answer. It stays the invitation of whoever sent it.",
            corrections.correct, lambda row: corrections.may_correct(row, by=g.account),
            email=True,
        ),
    },
    "memberships": {
        "assign": Deed(
            "Assign Seat", "Assign a seat to {}?",
            "A free seat of the organization is taken, and the letter about it "
            "leaves.", seats.assign, seats.may_assign,
        ),
        "mail-again": Deed(
            "Mail the Letter Again", "Mail the letter to {} again?",
            "The letter of the seat, or of the token, leaves once more to "
            "the same person. It says what it said.", deliveries.mail_again,
            lambda member: deliveries.may_mail_again(_token(member)), about=_token,
        ),
        "revoke-seat": Deed(
            "Revoke Seat", "Revoke the seat of {}?",
            "The token ends at this moment, and the seat is free. The member gets a "
            "letter.", seats.revoke, seats.may_revoke, red=True,
        ),
    },
    "letters": {
        "retry": Deed(
            "Retry", "Retry letter {}?",
            "The letter begins anew: it is due at once, and has 72 hours again.",
            deliveries.retry, _event("retry"),
        ),
        "send-now": Deed(
            "Send Now", "Send letter {} now?",
            "The letter does not wait for its next try.", deliveries.send_now,
            _event("hurry"),
        ),
        "release": Deed(
            "Release", "Take letter {} from its worker?",
            "The letter is taken from a worker that fell silent, and is due at once. "
            "What that worker says later counts no more.", deliveries.release, _event("release"),
        ),
        "set-aside": Deed(
            "Set Aside", "Set letter {} aside?",
            "Nobody is sent this letter. It is kept, with all its tries.",
            deliveries.set_aside, _event("discard"), red=True,
        ),
    },
    "pauses": {
        "resume": Deed(
            "Resume", "Resume letters to {}?",
            "Letters to this domain leave again, those that waited at once.",
            deliveries.resume, _event("resume"),
        ),
    },
}  # fmt: skip
INVITING = ("invitation", "invitation_reminder")  # letters to an address that may be wrong
ROWS: Mapping[str, type[Any]] = {
    "invitations": Invitation, "memberships": Membership, "letters": Letter, "pauses": Pause,
}  # fmt: skip


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


def _item(kind: str, row: Any, name: str) -> Item:
    deed = DEEDS[kind][name]
    return Item(deed.label, f"/status/{kind}/{row.id}/{name}", why_not(deed, row), True, deed.red)


@bp.get("/status/<kind>/<int:row_id>/<deed>")
@for_operators
def ask(kind: str, row_id: int, deed: str) -> str:
    """What would come of it, and the question why."""
    asked, row = _found(kind, row_id, deed)
    return render_template(
        "pages/status/ask.html", deed=asked, why_not=why_not(asked, row), back=page_of(row),
        row=row, question=asked.question.format(title(row)),
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
    return row.domain if isinstance(row, Pause) else str(row.id)


def page_of(row: Any) -> str:
    """Where a row is shown."""
    if isinstance(row, Pause):
        return "/status/letters"
    return f"/status/{row.__tablename__}/{row.id}"
