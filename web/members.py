"""Manage Members for admins, View Members for everybody else, and leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web import people_menu, searching, ways_out
from web.deeds import deed
from web.errands import FOR_PEOPLE
from web.forms import read
from web.proving import proved
from web.rows import of_this_organization
from web.session import in_organization
from workflows import (
    departures,
    directories,
    memberships,
    own_turns,
    places,
    roles,
    seats,
    tokens,
    waitlist,
)
from workflows.engine import refusals
from workflows.journeys import Person
from workflows.memberships import ADMIN, Membership
from workflows.memberships import MEMBER as MEMBERS

bp = Blueprint("members", __name__)
MEMBER = "/<slug>/members/<int:membership_id>"


class Heir(BaseModel):
    to: int = 0  # the membership that gets the seat; 0: the first in line, or nobody


@bp.get("/<slug>/members")
@in_organization
def members() -> Any:
    if g.membership.state != "admin":
        return _view_members()
    search, asked = searching.search(request.args), searching.parts(request.args)
    page = directories.look_up(g.organization, search, request.args.get("after", ""))
    people = [_seen(person) for person in page.people]
    return render_template(
        "pages/members/index.html",
        rows=people_menu.of_people(people, g.organization, by=g.account), after=page.after,
        search=search, asked=asked,
        numbers=directories.by_turn(g.organization, search), count=seats.count(g.organization),
        chips=searching.CHIPS, roles=searching.ROLES, places=searching.PLACES,
        stages=searching.STAGES, orders=searching.ORDERS, deeds=FOR_PEOPLE,
    )  # fmt: skip


def _seen(person: Person) -> Person:
    """The reader's own line is told as `for_themselves` tells it."""
    mine = person.membership and person.membership.id == g.membership.id
    return own_turns.for_themselves(person) if mine else person


def _view_members() -> Any:
    """Names and roles, the owner and the admins first; no addresses."""
    page, after = directories.members(g.organization, request.args.get("after", ""))
    admins = memberships.admins(g.organization)
    number = directories.number_of_members(g.organization)
    facts = {"page": page, "after": after, "admins": admins, "number": number}
    return render_template("pages/members/view.html", **facts)


@bp.post(f"{MEMBER}/assign")
@in_organization
@deed("Assign Seat", ADMIN)
def assign(membership_id: int) -> Any:
    sentence = "{} has a seat. The letter is on its way."
    return _do(seats.assign, membership_id, sentence)


@bp.post(f"{MEMBER}/revoke-seat")
@in_organization
@deed("Revoke Seat", ADMIN)
def revoke_seat(membership_id: int) -> Any:
    member, heir = of_this_organization(Membership, membership_id), read(Heir).to
    to = of_this_organization(Membership, heir) if heir else None
    seats.revoke(member, by=g.account, to=to)
    gone = f"{member.account.name} has no seat any more, and the token has stopped working."
    flash(f"{gone} {to.account.name} has the seat now." if to else gone)
    return redirect(people_menu.came_from(), 303)


@bp.post(f"{MEMBER}/make-admin")
@in_organization
@deed("Make Account Admin", ADMIN, event="make_admin")
@proved("Make Account Admin", "{name} gets administrative and billing control of “{organization}”.")
def make_admin(membership_id: int) -> Any:
    return _do(roles.make_admin, membership_id, "{} is an admin now.")


@bp.post(f"{MEMBER}/make-billing-admin")
@in_organization
@deed("Make Billing Admin", ADMIN, event="make_billing_admin")
@proved("Make Billing Admin", "{name} gets billing control of “{organization}”, and nothing else.")
def make_billing_admin(membership_id: int) -> Any:
    return _do(roles.make_billing_admin, membership_id, "{} is a billing admin now.")


@bp.post(f"{MEMBER}/make-member")
@in_organization
@deed("Make Member", ADMIN, event="make_member")
@proved("Make Member", "{name} has no control of “{organization}” any more. Seat and token stay.")
def make_member(membership_id: int) -> Any:
    return _do(roles.make_member, membership_id, "{} is a member now.")


@bp.post(f"{MEMBER}/remove")
@in_organization
@deed("Remove Member", ADMIN, event="remove")
@proved("Remove Member", "{name} is removed from “{organization}”. Seat and token go at once.")
def remove(membership_id: int) -> Any:
    sentence = "{} is not a member any more. A letter tells them so."
    return _do(departures.remove, membership_id, sentence)


def _do(command: Callable[..., Any], membership_id: int, sentence: str) -> Any:
    """Do this to the member, and back to where that was asked for with a sentence."""
    member = of_this_organization(Membership, membership_id)
    command(member, by=g.account)
    flash(sentence.format(member.account.name))
    return redirect(people_menu.came_from(), 303)


@bp.get(f"{MEMBER}/revoke-seat")
@in_organization
def ask_revoke_seat(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    why_not = refusals.why_not(seats.may_revoke, member)
    heirs = waitlist.next_ones(g.organization, member)
    standings = places.standings([one.id for one in heirs])
    facts = {**_lost(member), "why_not": why_not, "heirs": heirs, "standings": standings}
    return render_template("pages/members/revoke_seat.html", **facts)


@bp.get(f"{MEMBER}/remove")
@in_organization
def ask_remove(membership_id: int) -> Any:
    member = of_this_organization(Membership, membership_id)
    why_not = member.why_not("remove", by=g.account)
    return render_template("pages/members/remove.html", **_lost(member), why_not=why_not)


@bp.get("/<slug>/leave")
@in_organization
def ask_leave() -> Any:
    why_not = g.membership.why_not("leave", by=g.account)
    admins = [one for one in memberships.admins(g.organization) if one.id != g.membership.id]
    facts = {**_lost(g.membership), "why_not": why_not, "admins": admins}
    facts["way"] = ways_out.of(g.membership)
    return render_template("pages/members/leave.html", **facts)


@bp.post("/<slug>/leave")
@in_organization
@deed("Leave Organization", MEMBERS, event="leave")
def leave() -> Any:
    departures.leave(g.membership, by=g.account)
    flash(f"You have left “{g.organization.name}”.")
    return redirect("/organizations", 303)


def _lost(member: Membership) -> dict[str, Any]:
    """What goes with a member, or with their seat, and to whom: for the page that asks again."""
    line = places.first(member.organization_id, 1)
    return {
        "member": member,
        "back": people_menu.came_from(),
        "seat": seats.of(member),
        "token": tokens.of(member),
        "count": seats.count(member.organization),
        "first": line[0].membership if line else None,
        "earlier": memberships.earlier(member),
    }
