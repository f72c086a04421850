"""Settings of an organization, for its admins."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from pydantic import BaseModel

from web.deeds import deed
from web.forms import read
from web.session import in_organization
from workflows import logos, memberships, organizations
from workflows.engine import png
from workflows.memberships import ADMIN

bp = Blueprint("settings", __name__)


class Name(BaseModel):
    name: str


class Days(BaseModel):
    days: int


class Picture(BaseModel):
    """A form whose one field is a file."""


@bp.get("/<slug>/settings")
@bp.get("/<slug>/settings/name")
@bp.get("/<slug>/settings/invitations")
@bp.get("/<slug>/settings/logo")
@in_organization
def settings() -> Any:
    memberships.require_admin(g.account, g.organization)
    facts = {"days": organizations.INVITATION_DAYS, "png": png}
    return render_template("pages/settings/index.html", **facts)


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


@bp.post("/<slug>/settings/logo")
@in_organization
@deed("Change Logo", ADMIN)
def put_up_logo() -> Any:
    read(Picture)
    file = request.files.get("file")
    content = file.read(png.MOST_BYTES + 1) if file else b""
    logos.put_up(g.organization, content, by=g.account)
    flash("The logo is changed.")
    return redirect(f"/{g.organization.slug}/settings", 303)


@bp.post("/<slug>/settings/logo/remove")
@in_organization
@deed("Remove Logo", ADMIN)
def take_down_logo() -> Any:
    logos.take_down(g.organization, by=g.account)
    flash("The logo is removed. The first letter of the name stands in its place.")
    return redirect(f"/{g.organization.slug}/settings", 303)
