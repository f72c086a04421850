"""Inviting, and all invitations of an organization: for its admins.

What would surprise a reader: after sending, what happened to each address is kept in the browser's
session and shown by a page of its own, so that reloading it invites nobody again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web import address_files, people_menu, rows, session
from web.deeds import deed
from web.forms import read
from web.rows import of_this_organization
from web.session import in_organization
from workflows import guest_lists, invitations, moves
from workflows.engine import outbox
from workflows.guest_lists import Outcome
from workflows.invitations import Invitation
from workflows.memberships import ADMIN, require_admin

bp = Blueprint("guest_lists", __name__)
PAGE = 50
INVITATION = "/<slug>/invitations/<int:invitation_id>"


class GuestList(BaseModel):
    addresses: str = ""
    seat: bool = False  # whoever accepts gets a seat, or a place in line


def _list() -> str:
    """The addresses that were typed, and those in the file beside them."""
    typed = read(GuestList).addresses
    file = request.files.get("file")
    return f"{typed}\n{address_files.addresses(file.read())}" if file else typed


@bp.get("/<slug>/invitations/new")
@in_organization
def new() -> Any:
    require_admin(g.account, g.organization)
    return render_template("pages/invitations/new.html")


@bp.post("/<slug>/invitations/look-over")
@in_organization
@deed("Invite Members", ADMIN)
def look_over() -> Any:
    """For htmx, while somebody types: what would happen to each address. Nothing is sent."""
    outcomes = guest_lists.look_over(g.organization, _list(), by=g.account)
    facts = {"outcomes": outcomes, "good": sum(one.good for one in outcomes), "sent": False}
    return render_template("pages/invitations/_outcomes.html", **facts)


@bp.post("/<slug>/invitations/new")
@in_organization
@deed("Invite Members", ADMIN)
def invite() -> Any:
    outcomes = guest_lists.invite(g.organization, _list(), by=g.account, seat=read(GuestList).seat)
    told = [[one.address, one.word, one.sentence, one.good, one.bad] for one in outcomes]
    answer = redirect(f"/{g.organization.slug}/invitations/outcome", 303)
    return session.remember(answer, outcome={"of": g.organization.id, "list": told})


@bp.get("/<slug>/invitations/outcome")
@in_organization
def outcome() -> Any:
    """What happened to each address of the list that was sent last from this browser."""
    require_admin(g.account, g.organization)
    kept = session.note("outcome")
    if kept is None or kept["of"] != g.organization.id:
        return redirect(f"/{g.organization.slug}/invitations", 303)
    outcomes = [Outcome(*facts) for facts in kept["list"]]
    facts = {"outcomes": outcomes, "good": sum(one.good for one in outcomes), "sent": True}
    return render_template("pages/invitations/outcome.html", **facts)


@bp.get("/<slug>/invitations")
@in_organization
def all_of_them() -> Any:
    require_admin(g.account, g.organization)
    before = rows.before()
    found = invitations.of_organization(g.organization, before, PAGE + 1)
    shown, older = found[:PAGE], len(found) > PAGE
    letters = outbox.newest(("invitation",), [one.id for one in shown])
    moving = moves.of([one.id for one in shown])
    items = partial(people_menu.of_invitation, slug=g.organization.slug, by=g.account)
    listed = [
        (one, letters.get(one.id), items(one, moving.get(one.id)), moving.get(one.id))
        for one in shown
    ]
    facts = {"rows": listed, "before": before, "older": shown[-1].id if older else None}
    return render_template("pages/invitations/index.html", **facts)


@bp.post(f"{INVITATION}/resend")
@in_organization
@deed("Resend", ADMIN)
def resend(invitation_id: int) -> Any:
    invitation = of_this_organization(Invitation, invitation_id)
    invitations.resend(invitation, by=g.account)
    days = g.organization.invitation_days
    flash(f"The invitation to {invitation.email} is on its way again, valid for {days} days.")
    return back()


@bp.post(f"{INVITATION}/revoke")
@in_organization
@deed("Revoke Invitation", ADMIN)
def revoke(invitation_id: int) -> Any:
    invitation = of_this_organization(Invitation, invitation_id)
    invitations.revoke(invitation, by=g.account)
    flash(f"The invitation to {invitation.email} is revoked.")
    return back()


def back() -> Any:
    """To the list that the button was on."""
    page = "invitations" if request.args.get("from") == "invitations" else "members"
    return redirect(f"/{g.organization.slug}/{page}", 303)
