"""Home: one sentence where an organization stands, and the next thing to do there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel

from web import people_menu
from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import (
    directories,
    gate,
    handovers,
    journeys,
    memberships,
    own_turns,
    renewals,
    seats,
    setups,
    subscriptions,
    verdicts,
)
from workflows.directories import Search
from workflows.memberships import ADMIN, BILLING

bp = Blueprint("home", __name__)
MOST_TURNS = 5  # of those who wait, how many are listed; the members page has all
PLACES = {  # where a step of the set-up is taken
    "invite": "invitations/new", "buy": "subscriptions", "assign": "members",
    "contact": "billing-contact", "logo": "settings#logo",
}  # fmt: skip


class Skipped(BaseModel):
    step: str


@bp.get("/<slug>")
@in_organization
def root() -> Any:
    return redirect(f"/{g.organization.slug}/home")


@bp.get("/<slug>/home")
@in_organization
def home() -> Any:
    own = own_turns.for_themselves(journeys.of_member(g.membership))
    count = seats.count(g.organization)
    facts = {"own": own, "count": count, "idle": directories.idle(g.organization), **_ending()}
    if g.membership.state != "admin":
        admins = memberships.admins(g.organization)
        return render_template("pages/home/member.html", admins=admins, **facts)
    offer = handovers.pending(g.organization)
    facts["offer"] = offer if offer and offer.chosen_id == g.membership.id else None
    numbers = directories.by_turn(g.organization, Search())
    people = sum(numbers.values())
    return render_template(
        "pages/home/admin.html", people=people, turns=_turns(), **facts, ended=numbers["Ended"],
        stages=directories.by_stage(g.organization), steps=setups.of(g.organization),
        places=PLACES,
    )  # fmt: skip


def _ending() -> dict[str, Any]:
    """What there is to say of the subscription's end: to others than who bills only the hold."""
    hold = verdicts.held(g.organization.id)
    said = {"hold": gate.SENTENCES[hold] if hold else None}
    if g.membership.state not in BILLING.who:
        return said
    live = subscriptions.live(g.organization)
    kept = None if live else subscriptions.kept(g.organization)
    return {**said, "subscription": live, "kept": kept, "works_until": renewals.works_until}


def _turns() -> list[people_menu.Row]:
    """The first of those who wait for an admin."""
    yours = directories.look_up(g.organization, Search(turn="Your turn")).people[:MOST_TURNS]
    return people_menu.of_people(yours, g.organization, by=g.account)


@bp.post("/<slug>/home/skip")
@in_organization
@deed("Skip a Step of the Set-up", ADMIN)
def skip() -> Any:
    step = read(Skipped).step
    setups.skip(g.organization, step, by=g.account)
    flash(f"“{setups.STEPS[step]}” is left for later. It stays here, under what was skipped.")
    return redirect(f"/{g.organization.slug}/home", 303)
