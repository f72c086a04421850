"""Waiting for a seat: a member asks for one, and admins keep the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect

from web.deeds import deed
from web.rows import of_this_organization
from web.session import in_organization
from workflows import seats, waitlist
from workflows.memberships import ADMIN, Membership
from workflows.memberships import MEMBER as MEMBERS

bp = Blueprint("waitlist", __name__)
MEMBER = "/<slug>/members/<int:membership_id>"


@bp.post("/<slug>/seat/ask")
@in_organization
@deed("Ask for a Seat", MEMBERS)
def ask() -> Any:
    waitlist.ask(g.membership, by=g.account)
    flash("You have asked for a seat. The admins hear of it, and you of what they decide.")
    return redirect(f"/{g.organization.slug}/home", 303)


@bp.post("/<slug>/seat/withdraw")
@in_organization
@deed("Withdraw Wish for a Seat", MEMBERS)
def withdraw() -> Any:
    waitlist.withdraw(g.membership, by=g.account)
    flash("You are not waiting for a seat any more.")
    return redirect(f"/{g.organization.slug}/home", 303)


@bp.post(f"{MEMBER}/line-up")
@in_organization
@deed("Put in Line", ADMIN)
def line_up(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    waitlist.line_up(member, by=g.account)
    seated = seats.of(member) is not None
    rest = "has a seat: one was free" if seated else "is in line, and gets a seat that frees"
    flash(f"{member.account.name} {rest}.")
    return redirect(f"/{g.organization.slug}/members", 303)


@bp.post(f"{MEMBER}/put-first")
@in_organization
@deed("Put First", ADMIN)
def put_first(membership_id: int) -> Any:
    return _do(waitlist.put_first, membership_id, "{} is first in line.")


@bp.post(f"{MEMBER}/out-of-line")
@in_organization
@deed("Remove from Line", ADMIN)
def refuse(membership_id: int) -> Any:
    return _do(waitlist.refuse, membership_id, "{} is not waiting for a seat any more.")


def _do(command: Callable[..., Any], membership_id: int, sentence: str) -> Any:
    member = of_this_organization(Membership, membership_id)
    command(member, by=g.account)
    flash(sentence.format(member.account.name))
    return redirect(f"/{g.organization.slug}/members", 303)
