"""Never invite me again: the page behind the link of every letter that invites, and its buttons.

What would surprise a reader: `POST /never/…` needs no page before it. It is the button of mail
programs (RFC 8058), pressed by their servers without a cookie; the page of the same link takes it
back.
"""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, redirect, render_template, request
from pydantic import BaseModel

from web import links, session
from web.forms import read
from web.invitations import NO_LINK, addressee
from workflows import replies, silences
from workflows.engine.db import db
from workflows.engine.refusals import Invalid, NotFound
from workflows.invitations import Invitation

bp = Blueprint("never", __name__)


class Wish(BaseModel):
    wish: Literal["never", "again"]
    email: str = ""


@bp.get("/never/<sealed>")
def open_link(sealed: str) -> Any:
    invitation = _invitation(links.unseal("never", sealed)[0])
    return session.remember(redirect("/never", 303), never=invitation.id)


@bp.post("/never/<sealed>")
def at_once(sealed: str) -> Response:
    invitation = _invitation(links.unseal("never", sealed)[0])
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise Invalid(form="This address is for the button of a mail program.")
    replies.silence_at_once(invitation)
    return Response("No more invitations.\n", mimetype="text/plain")


@bp.get("/never")
def never() -> Any:
    invitation = _remembered()
    facts = {"silent": silences.holds(invitation.email_key), "known": addressee(invitation)}
    return render_template("pages/never.html", invitation=invitation, **facts)


@bp.post("/never")
def wish() -> Any:
    invitation, form = _remembered(), read(Wish)
    known = addressee(invitation)
    email = known.email if known else form.email
    change = replies.silence if form.wish == "never" else replies.hear_again
    change(invitation, email, by=known)
    return redirect("/never", 303)


def _remembered() -> Invitation:
    """The invitation whose letter led here last."""
    invitation = _invitation(session.note("never"))
    session.require_shown(invitation.id)
    return invitation


def _invitation(invitation_id: int | None) -> Invitation:
    invitation = db.session.get(Invitation, invitation_id) if invitation_id else None
    if invitation is None:
        raise NotFound(NO_LINK)
    return invitation
