"""Ownership: offered by the owner, answered by the chosen admin; and closing the organization."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel, Field

from web.deeds import deed
from web.forms import read
from web.proving import proved
from web.rows import of_this_organization
from web.session import in_organization
from workflows import closures, handovers, memberships
from workflows.engine.refusals import NotNow
from workflows.handovers import CHOSEN, OFFERER, Handover
from workflows.memberships import ADMIN, OWNER, Membership

bp = Blueprint("ownership", __name__)
OWNERSHIP = "/<slug>/ownership"


class Chosen(BaseModel):
    member: int = Field(ge=1, lt=2**31)


class Typed(BaseModel):
    typed: str = Field(max_length=200)


@bp.get(OWNERSHIP)
@in_organization
def show() -> Any:
    """What the owner alone may do, whom ownership can go to, and the offer that is open."""
    memberships.require_admin(g.account, g.organization)
    admins = memberships.admins(g.organization)
    return render_template(
        "pages/ownership/index.html",
        others=[one for one in admins if not one.is_owner],
        open_one=handovers.pending(g.organization),
        chosen=request.args.get("to", ""), days=handovers.DAYS,
    )  # fmt: skip


@bp.post(OWNERSHIP)
@in_organization
@deed("Hand Over Ownership", OWNER)
@proved("Hand Over Ownership", "You offer the ownership of “{organization}” to another admin.")
def offer() -> Any:
    member = of_this_organization(Membership, read(Chosen).member)
    handovers.offer(member, by=g.account)
    flash(f"{member.account.name} gets a letter. Until they accept, nothing changes.")
    return _back()


@bp.post(f"{OWNERSHIP}/accept")
@in_organization
@deed("Accept Ownership", ADMIN, but=CHOSEN)
@proved("Accept Ownership", "You become the owner of “{organization}”.")
def accept() -> Any:
    handovers.accept(_open_one(), by=g.account)
    flash(f"You are the owner of “{g.organization.name}” now.")
    return _back()


@bp.post(f"{OWNERSHIP}/decline")
@in_organization
@deed("Decline Ownership", ADMIN, but=CHOSEN)
def decline() -> Any:
    handovers.decline(_open_one(), by=g.account)
    flash("You declined. The owner stays the owner, and hears of it.")
    return _back()


@bp.post(f"{OWNERSHIP}/cancel")
@in_organization
@deed("Cancel the Offer", OWNER, but=OFFERER)
def cancel() -> Any:
    handovers.cancel(_open_one(), by=g.account)
    flash("The offer is taken back. You are still the owner.")
    return _back()


def _open_one() -> Handover:
    memberships.require_admin(g.account, g.organization)
    open_one = handovers.pending(g.organization)
    if open_one is None:
        raise NotNow("No offer of ownership is open here any more.")
    return open_one


def _back() -> Any:
    return redirect(f"/{g.organization.slug}/ownership", 303)


@bp.get("/<slug>/close")
@in_organization
def ask_close() -> Any:
    memberships.require_owner(g.account, g.organization)
    return render_template("pages/ownership/close.html", ending=closures.ending(g.organization))


@bp.post("/<slug>/close")
@in_organization
@deed("Close Organization", OWNER)
@proved("Close Organization", "“{organization}” ends for good, with all its seats and tokens.")
def close() -> Any:
    name = g.organization.name
    closures.close(g.organization, read(Typed).typed, by=g.account)
    flash(f"“{name}” is closed. Its members are told by letter.")
    return redirect("/organizations", 303)
