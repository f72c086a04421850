"""Never invite me again: the page behind the link of every invitation letter, and its button.

What would surprise a reader: `POST /never/now/…` needs no page before it. It is the button of mail
programs (RFC 8058), pressed by their servers without a cookie, so its seal opens nothing else, it
silences one organization only, and the page of the same link takes it back.
"""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, redirect, render_template, request
from pydantic import BaseModel

from web import links, session
from web.forms import read
from web.invitations import addressee
from workflows import replies, silences
from workflows.engine.db import db
from workflows.engine.refusals import Invalid, NotFound
from workflows.invitations import Invitation

bp = Blueprint("never", __name__)
NO_LINK = "Open the link in your invitation letter again: it leads here."


class Wish(BaseModel):
    whom: Literal["organization", "anybody", "nobody"]
    email: str = ""


@bp.get("/never/<sealed>")
def open_link(sealed: str) -> Any:
    return _to_the_page(_invitation(links.unseal("never", sealed)[0]))


@bp.get("/never/now/<sealed>")
def open_header(sealed: str) -> Any:
    """Mail programs that know no button open the address instead: that changes nothing."""
    return _to_the_page(_invitation(links.unseal("never/now", sealed)[0]))


@bp.post("/never/now/<sealed>")
def at_once(sealed: str) -> Response:
    invitation = _invitation(links.unseal("never/now", sealed)[0])
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise Invalid(form="This address is for the button of a mail program.")
    replies.silence_at_once(invitation)
    return Response("No more invitations from there.\n", mimetype="text/plain")


@bp.get("/never")
def never() -> Any:
    invitation = _remembered()
    from_all = silences.kept(silences.ANYBODY, invitation.email_key)
    facts = {"invitation": invitation, "from_all": from_all, "known": addressee(invitation)}
    return render_template("pages/never.html", silent=replies.is_silent(invitation), **facts)


@bp.post("/never")
def wish() -> Any:
    invitation, form = _remembered(), read(Wish)
    known = addressee(invitation)
    email = known.email if known else form.email
    if form.whom == "nobody":
        replies.hear_again(invitation, email, by=known)
    else:
        replies.silence(invitation, email, anybody=form.whom == "anybody", by=known)
    return redirect("/never", 303)


def _to_the_page(invitation: Invitation) -> Any:
    return session.remember(redirect("/never", 303), never=invitation.id)


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
