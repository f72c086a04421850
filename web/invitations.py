"""The invited person's pages: from the link in the letter to the organization's first page.

What would surprise a reader: opening the link changes nothing but what this browser's session
remembers, since mail scanners open links too. The secret leaves the address bar at once; from
then on the pages live at /join and know the invitation from the session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, abort, flash, g, redirect, render_template
from pydantic import BaseModel

from web import links, session
from web.forms import read
from web.session import signed_in
from workflows import accounts, arrivals, invitations, log_ins, memberships, moves
from workflows.accounts import Account
from workflows.engine.db import db, now
from workflows.engine.refusals import NotFound, why_not
from workflows.invitations import Invitation

bp = Blueprint("invitations", __name__)
NO_LINK = "Open the link in your invitation letter again: it leads here."


class LogIn(BaseModel):
    password: str
    email: str = ""  # shown and locked, and never believed: the row knows the address


class SignUp(LogIn):
    name: str


class Decline(BaseModel):
    email: str = ""
    word: str = ""


@bp.after_request
def keep_to_ourselves(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/join/<sealed>")
def open_link(sealed: str) -> Any:
    invitation = db.session.get(Invitation, links.unseal("join", sealed)[0])
    if invitation is None:
        raise NotFound(NO_LINK)
    return session.remember(redirect("/join", 303), invitation=invitation.id)


def with_invitation(view: Callable[[Invitation], Any]) -> Callable[[], Any]:
    """Show the page while the invitation waits; else the one that says what became of it."""

    @wraps(view)
    def shown() -> Any:
        invitation = remembered()
        return what_became_of(invitation) or view(invitation)

    return shown


def remembered() -> Invitation:
    """The invitation whose link this browser opened last."""
    invitation_id = session.note("invitation")
    invitation = db.session.get(Invitation, invitation_id) if invitation_id else None
    if invitation is None:
        raise NotFound(NO_LINK)
    session.require_shown(invitation.id)
    return invitation


def what_became_of(invitation: Invitation) -> Any:
    mine = memberships.of(g.account, invitation.organization)
    if mine and mine.id == invitation.membership_id:
        return page("member", invitation)
    kind = end(invitation)
    return (page("ended", invitation, kind=kind), 410) if kind else None


def end(invitation: Invitation) -> str | None:
    """How it ended, as far as whoever holds the link is concerned."""
    if invitation.organization.state == "closed":
        return "closed"
    if invitation.state == "sent":
        return "expired" if invitation.expires_at <= now() else None
    if invitation.membership:  # accepted, whatever came after
        return "accepted" if invitation.membership.active else "over"
    return invitation.state


def page(name: str, invitation: Invitation, **facts: Any) -> str:
    host = invitations.who_hears(invitation)
    facts |= {"invitation": invitation, "host": host, "mailto": mailto}
    return render_template(f"pages/join/{name}.html", **facts)


def mailto(to: Account, subject: str) -> str:
    return f"mailto:{quote(to.email, safe='@')}?subject={quote(subject)}"


def is_for_another(invitation: Invitation) -> bool:
    return g.account is not None and g.account.email_key != invitation.email_key


def wrong_account(invitation: Invitation) -> Any:
    """Kindly, and with a way on: log in as the other, or ask to have it moved."""
    move = moves.newest(invitation)
    facts = {
        "asked": move is not None and move.state == "asked" and move.account_id == g.account.id,
        "why_not": why_not(moves.may_ask, invitation, by=g.account),
    }
    return page("wrong_account", invitation, **facts), 403


def addressee(invitation: Invitation) -> Account | None:
    """The invited person, where that is who is logged in."""
    return None if is_for_another(invitation) else g.account


@bp.get("/join")
@with_invitation
def join(invitation: Invitation) -> Any:
    if is_for_another(invitation):
        return wrong_account(invitation)
    return page("index", invitation)


@bp.post("/join")
@with_invitation
def accept(invitation: Invitation) -> Any:
    if is_for_another(invitation):
        return wrong_account(invitation)
    if g.account is None:  # the link proves the address, so its holder may know of the account
        known = accounts.with_key(invitation.email_key)
        return redirect("/join/login" if known else "/join/signup", 303)
    return _accept(invitation)


def _accept(invitation: Invitation) -> Any:
    arrivals.accept(invitation, by=g.account)
    return _home(invitation)


def _home(invitation: Invitation) -> Any:
    flash(f"You are a member of “{invitation.organization.name}” now.")
    return redirect(f"/{invitation.organization.slug}/home", 303)


@bp.post("/join/switch")
def switch() -> Any:
    """Log out, and go on as the invited person."""
    invitation = remembered()
    answer = session.sign_out(redirect("/join/login", 303))
    return session.remember(answer, invitation=invitation.id)


@bp.get("/join/login")
@with_invitation
def log_in_page(invitation: Invitation) -> Any:
    return redirect("/join", 303) if g.account else page("login", invitation)


@bp.post("/join/login")
@with_invitation
def log_in(invitation: Invitation) -> Any:
    password = read(LogIn).password
    account = log_ins.log_in(invitation.email, password, **session.whence())
    arrivals.accept(invitation, by=account)
    return session.sign_in(account, _home(invitation))


@bp.get("/join/signup")
@with_invitation
def sign_up_page(invitation: Invitation) -> Any:
    return redirect("/join", 303) if g.account else page("signup", invitation)


@bp.post("/join/signup")
@with_invitation
def sign_up(invitation: Invitation) -> Any:
    form = read(SignUp)
    account = arrivals.sign_up_by_link(invitation, form.name, form.password)
    return session.sign_in(account, _home(invitation))


@bp.get("/join/decline")
@with_invitation
def decline_page(invitation: Invitation) -> Any:
    if is_for_another(invitation):
        return wrong_account(invitation)
    return page("decline", invitation, known=g.account is not None, back="/join")


@bp.post("/join/decline")
@with_invitation
def decline(invitation: Invitation) -> Any:
    form = read(Decline)
    email = g.account.email if g.account else form.email
    invitations.decline(invitation, email, form.word, by=g.account)
    return redirect("/join/declined", 303)


@bp.get("/join/declined")
def declined() -> Any:
    invitation = remembered()
    if invitation.state != "declined":
        return redirect("/join", 303)
    return page("goodbye", invitation)


@bp.post("/invitations/<int:invitation_id>/accept")
@signed_in
def accept_waiting(invitation_id: int) -> Any:
    return _accept(_waiting(invitation_id))


@bp.get("/invitations/<int:invitation_id>/decline")
@signed_in
def decline_waiting_page(invitation_id: int) -> Any:
    invitation = _waiting(invitation_id)
    facts = {"known": True, "back": "/organizations"}
    return what_became_of(invitation) or page("decline", invitation, **facts)


@bp.post("/invitations/<int:invitation_id>/decline")
@signed_in
def decline_waiting(invitation_id: int) -> Any:
    invitation = _waiting(invitation_id)
    invitations.decline(invitation, g.account.email, read(Decline).word, by=g.account)
    flash(f"You declined the invitation to “{invitation.organization.name}”.")
    return redirect("/organizations", 303)


def _waiting(invitation_id: int) -> Invitation:
    """An invitation to this very person; one to somebody else is as missing as none."""
    invitation = db.session.get(Invitation, invitation_id)
    if invitation is None or invitation.email_key != g.account.email_key:
        abort(404)
    return invitation
