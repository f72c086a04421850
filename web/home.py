"""Home: one sentence where an organization stands, and the next thing to do there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template

from web import people_menu
from web.session import in_organization
from workflows import directories, journeys, memberships, seats
from workflows.directories import Search
from workflows.seats import Count

bp = Blueprint("home", __name__)
MOST_TURNS = 5  # of those who wait, how many are listed; the members page has all


@bp.get("/<slug>")
@in_organization
def root() -> Any:
    return redirect(f"/{g.organization.slug}/home")


@bp.get("/<slug>/home")
@in_organization
def home() -> Any:
    own = journeys.for_themselves(journeys.of_member(g.membership))
    count = seats.count(g.organization)
    facts = {"own": own, "count": count, "idle": directories.idle(g.organization)}
    if g.membership.state != "admin":
        admins = memberships.admins(g.organization)
        return render_template("pages/home/member.html", admins=admins, **facts)
    numbers = directories.by_turn(g.organization, Search())
    people = sum(numbers.values())
    return render_template(
        "pages/home/admin.html", people=people, turns=_turns(), **facts, ended=numbers["Ended"],
        stages=directories.by_stage(g.organization), to_do=_to_do(people, count),
    )  # fmt: skip


def _turns() -> list[people_menu.Row]:
    """The first of those who wait for an admin."""
    yours = directories.look_up(g.organization, Search(turn="Your turn")).people[:MOST_TURNS]
    return people_menu.of_people(yours, g.organization, by=g.account)


def _to_do(people: int, count: Count) -> list[tuple[str, str, bool]]:
    """What an organization needs before its first token works: words, address, and whether done."""
    return [
        ("Form the organization", "settings", True),
        ("Invite members", "invitations/new", people > 1),
        ("Buy seats", "subscriptions", count.bought > 0),
        ("Assign seats", "members", count.used > 0),
    ]
