"""Settings of an organization, for its admins."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel

from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import memberships, organizations
from workflows.memberships import ADMIN

bp = Blueprint("settings", __name__)


class Name(BaseModel):
    name: str


class Days(BaseModel):
    days: int


@bp.get("/<slug>/settings")
@bp.get("/<slug>/settings/name")
@bp.get("/<slug>/settings/invitations")
@in_organization
def settings() -> Any:
    memberships.require_admin(g.account, g.organization)
    return render_template("pages/settings/index.html", days=organizations.INVITATION_DAYS)


@bp.post("/<slug>/settings/name")
@in_organization
@deed("Rename Organization", ADMIN)
def rename() -> Any:
    organizations.rename(g.organization, read(Name).name, by=g.account)
    flash(f"The organization is called “{g.organization.name}” now.")
    return redirect(f"/{g.organization.slug}/settings", 303)


@bp.post("/<slug>/settings/invitations")
@in_organization
@deed("Set Days of Invitations", ADMIN)
def set_invitation_days() -> Any:
    organizations.set_invitation_days(g.organization, read(Days).days, by=g.account)
    flash(f"New invitations are valid for {g.organization.invitation_days} days.")
    return redirect(f"/{g.organization.slug}/settings", 303)
