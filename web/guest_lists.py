"""Inviting, and all invitations of an organization: for its admins.

What would surprise a reader: a list is an errand. A few addresses are invited at once; many are
shown with the answer of each before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel, Field

from web import address_files, people_menu, rows
from web.deeds import deed
from web.forms import read
from web.rows import of_this_organization
from web.session import in_organization
from workflows import guest_lists, invitations, listings, moves
from workflows.engine import outbox
from workflows.errands import Errand
from workflows.guest_lists import Entry
from workflows.invitations import Invitation
from workflows.memberships import ADMIN, require_admin

bp = Blueprint("guest_lists", __name__)
PAGE = 50
SHOWN = 50  # of the addresses that somebody types
INVITATION = "/<slug>/invitations/<int:invitation_id>"


class GuestList(BaseModel):
    addresses: str = Field("", max_length=address_files.MOST_BYTES)
    column: str = Field("", max_length=200)  # with the addresses, where it is not found by itself
    seat: bool = False  # whoever accepts gets a seat, or a place in line


def _listed() -> list[Entry]:
    """What was typed, and what stands in the file beside it."""
    form, file = read(GuestList), request.files.get("file")
    listed = address_files.typed(form.addresses, form.column)
    if file and (content := file.read()):
        g.pasted = address_files.decode(content) if not form.addresses.strip() else ""
        listed += address_files.in_file(content, form.column)
    return listed


@bp.get("/<slug>/invitations/new")
@in_organization
def new() -> Any:
    """The form, with what a list had that did not go, if it is named."""
    require_admin(g.account, g.organization)
    if (earlier := request.args.get("mend", "")).isdecimal() and len(earlier) < 10:
        errand = of_this_organization(Errand, int(earlier))
        g.pasted = "\n".join(
            address_files.as_typed(one.written) for one in listings.not_invited(errand)
        )
    return render_template("pages/invitations/new.html", pasted=g.get("pasted", ""))


@bp.post("/<slug>/invitations/look-over")
@in_organization
@deed("Invite Members", ADMIN)
def look_over() -> Any:
    """For htmx, while somebody types: what would happen to each address. Nothing is sent."""
    outcomes = guest_lists.look_over(g.organization, _listed(), by=g.account)
    first = sorted(outcomes, key=lambda one: not one.bad)[:SHOWN]
    facts = {"outcomes": first, "good": sum(one.good for one in outcomes), "all": len(outcomes)}
    return render_template("pages/invitations/_outcomes.html", **facts, few=guest_lists.FEW)


@bp.post("/<slug>/invitations/new")
@in_organization
@deed("Invite Members", ADMIN)
def invite() -> Any:
    """Invite a few at once; show what a longer list would do first."""
    listed = _listed()
    do = listings.invite if len(listed) <= guest_lists.FEW else listings.prepare
    errand = do(g.organization, listed, by=g.account, seat=read(GuestList).seat)
    return redirect(f"/{g.organization.slug}/members/errands/{errand.id}", 303)


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
    sentence = "The invitation to {} is on its way again, valid for {} days."
    return do(invitations.resend, invitation_id, sentence)


@bp.post(f"{INVITATION}/revoke")
@in_organization
@deed("Revoke Invitation", ADMIN)
def revoke(invitation_id: int) -> Any:
    return do(invitations.revoke, invitation_id, "The invitation to {} is revoked.")


def do(command: Callable[..., Any], invitation_id: int, sentence: str) -> Any:
    """Do this to the invitation, and back to the list with a sentence: its address, the days."""
    invitation = of_this_organization(Invitation, invitation_id)
    command(invitation, by=g.account)
    flash(sentence.format(invitation.email, g.organization.invitation_days))
    return back()


def back() -> Any:
    """To the page that the button was on."""
    return redirect(people_menu.came_from(), 303)
