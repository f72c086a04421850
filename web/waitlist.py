"""Waiting for a seat: a member asks for one, and admins keep the line."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web import people_menu
from web.deeds import deed
from web.forms import read
from web.rows import of_this_organization
from web.session import in_organization
from workflows import memberships, places, seats, waitlist
from workflows.engine import refusals
from workflows.memberships import ADMIN, Membership
from workflows.memberships import MEMBER as MEMBERS

bp = Blueprint("waitlist", __name__)
MEMBER = "/<slug>/members/<int:membership_id>"
PAGE = 50


class Word(BaseModel):
    word: str = ""


@bp.get("/<slug>/waitlist")
@in_organization
def line() -> Any:
    """Who has asked for a seat and waits for an answer, and who is in line, in its order."""
    memberships.require_admin(g.account, g.organization)
    after = request.args.get("after", "0")
    after_rank = int(after) if re.fullmatch(r"[0-9]{1,9}", after) else 0
    found = places.first(g.organization.id, PAGE + 1, after_rank)
    return render_template(
        "pages/waitlist/index.html", line=found[:PAGE],
        standings=places.standings([one.membership_id for one in found]),
        after=found[PAGE - 1].rank if len(found) > PAGE else None,
        asked=places.asked(g.organization.id, PAGE),
        number=places.number(g.organization.id),
        wishes=places.number(g.organization.id, places.ASKED), count=seats.count(g.organization),
    )  # fmt: skip


@bp.get("/<slug>/seat/ask")
@in_organization
def ask_for_seat() -> Any:
    why_not = refusals.why_not(waitlist.may_ask, g.membership)
    admins, count = memberships.admins(g.organization), seats.count(g.organization)
    facts = {"why_not": why_not, "admins": admins, "count": count}
    return render_template("pages/waitlist/ask.html", **facts)


@bp.post("/<slug>/seat/ask")
@in_organization
@deed("Ask for a Seat", MEMBERS)
def ask() -> Any:
    waitlist.ask(g.membership, read(Word).word, by=g.account)
    flash("You have asked for a seat. The admins hear of it, and you of what they decide.")
    return redirect(f"/{g.organization.slug}/home", 303)


@bp.post("/<slug>/seat/withdraw")
@in_organization
@deed("Stop Waiting for a Seat", MEMBERS)
def withdraw() -> Any:
    waitlist.withdraw(g.membership, by=g.account)
    flash("You are not waiting for a seat any more.")
    return redirect(f"/{g.organization.slug}/home", 303)


@bp.post(f"{MEMBER}/line-up")
@in_organization
@deed("Put in Line for a Seat", ADMIN)
def line_up(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    waitlist.line_up(member, by=g.account)
    name, standing = member.account.name, places.standings([member.id]).get(member.id)
    if standing:
        flash(f"{name} is in line ({standing.words}) and gets a seat that frees or is bought.")
    else:
        flash(f"{name} has a seat: one was free. The letter is on its way.")
    return redirect(people_menu.came_from(), 303)


@bp.get(f"{MEMBER}/out-of-line")
@in_organization
def ask_refuse(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    why_not = refusals.why_not(waitlist.may_refuse, member)
    standing = places.standings([member.id]).get(member.id)
    facts = {"member": member, "standing": standing, "why_not": why_not}
    return render_template("pages/waitlist/refuse.html", **facts)


@bp.post(f"{MEMBER}/out-of-line")
@in_organization
@deed("Refuse a Seat", ADMIN)
def refuse(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    waitlist.refuse(member, read(Word).word, by=g.account)
    flash(f"{member.account.name} is not waiting for a seat any more. A letter tells them so.")
    return redirect(f"/{g.organization.slug}/waitlist", 303)
