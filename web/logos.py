"""Logos as pictures: for members, and for whoever holds an invitation.

What would surprise a reader: an address with the version of the picture may be kept by the browser
for long, since another picture has another address. Whoever leaves may have seen it before.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, g, request

from web import session
from web.session import in_organization
from workflows import logos
from workflows.engine.db import db
from workflows.invitations import Invitation
from workflows.organizations import Organization

bp = Blueprint("logos", __name__)
A_YEAR = "private, max-age=31536000, immutable"


@bp.get("/<slug>/logo")
@in_organization
def of_organization() -> Any:
    return _picture(g.organization)


@bp.get("/join/logo")
def of_invitation() -> Any:
    """The logo of whoever sent the invitation whose link this browser opened last."""
    invitation_id = session.note("invitation")
    invitation = db.session.get(Invitation, invitation_id) if invitation_id else None
    return _picture(invitation.organization) if invitation else abort(404)


def _picture(organization: Organization) -> Response:
    logo = logos.of(organization) or abort(404)
    answer = Response(logo.content, mimetype="image/png")
    answer.headers["Content-Disposition"] = "inline; filename=logo.png"
    if request.args.get("v") == organization.logo:
        answer.headers["Cache-Control"] = A_YEAR
    return answer
