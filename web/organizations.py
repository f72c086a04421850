"""A person's organizations: the list of them, their subscriptions, and forming a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web import ways_out
from web.forms import read
from web.session import signed_in
from web.ways_out import Way
from workflows import arrivals, memberships, organizations, seats, subscriptions, tokens
from workflows.engine.refusals import why_not
from workflows.memberships import Membership
from workflows.seats import Count
from workflows.subscriptions import Subscription
from workflows.tokens import Token

bp = Blueprint("organizations", __name__)


class NewOrganization(BaseModel):
    name: str
    slug: str


@dataclass(frozen=True)
class Belonging:
    """What a person has in one of their organizations."""

    membership: Membership
    token: Token | None
    why_stay: str | None  # why Leave Organization may not be
    way: Way | None  # the next step towards it


@bp.get("/organizations")
@signed_in
def index() -> Any:
    return render_template(
        "pages/organizations/index.html",
        belongings=[_belonging(one) for one in organizations.of_account(g.account)],
        invitations=arrivals.waiting_for(g.account),
    )


def _belonging(membership: Membership) -> Belonging:
    why_stay = membership.why_not("leave", by=g.account)
    return Belonging(membership, tokens.of(membership), why_stay, ways_out.of(membership))


@bp.get("/organizations/new")
@signed_in
def new() -> Any:
    """The form; a link to it may bring what was typed before, and a free ID to put in."""
    asked = {**request.args.to_dict(), **g.get("typed", {})}
    name, slug = asked.get("name", ""), asked.get("slug", "")
    return render_template("pages/organizations/new.html", name=name, **_verdict(slug))


@bp.post("/organizations/new")
@signed_in
def form() -> Any:
    typed = read(NewOrganization)
    organization = organizations.found(typed.name, typed.slug, by=g.account)
    flash(f"“{organization.name}” is formed. You are its owner and an admin.")
    return redirect(f"/{organization.slug}/home", 303)


@bp.get("/organizations/check")
@signed_in
def check() -> Any:
    """For htmx, while somebody types: whether this ID could be had."""
    name, slug = request.args.get("name", ""), request.args.get("slug", "")
    return render_template("pages/organizations/_verdict.html", name=name, **_verdict(slug))


def _verdict(typed: str) -> dict[str, Any]:
    """What is to be said about an ID: malformed and why, or whose it is and what is free."""
    malformed = why_not(organizations.parse_slug, typed) if typed else None
    slug = typed.strip().lower()
    taken = organizations.by_slug(slug) if slug and not malformed else None
    return {
        "slug": slug if not malformed else typed,
        "malformed": malformed,
        "taken": taken,
        "near": organizations.free_near(slug) if taken else None,
        "own": memberships.of(g.account, taken) if taken else None,
    }


@bp.get("/subscriptions")
@signed_in
def bills() -> Any:
    mine = [_bill(membership) for membership in organizations.of_account(g.account)]
    return render_template("pages/organizations/subscriptions.html", bills=mine)


@dataclass(frozen=True)
class Bill:
    """What an organization has bought, for those who may see it, and the person's own token."""

    membership: Membership
    token: Token | None
    count: Count
    subscription: Subscription | None


def _bill(membership: Membership) -> Bill:
    organization = membership.organization
    bought = subscriptions.live(organization) or subscriptions.pending(organization)
    bought = bought or subscriptions.kept(organization)
    return Bill(membership, tokens.of(membership), seats.count(organization), bought)
