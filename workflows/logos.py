"""Logos: the picture of an organization, beside its name and on its invitations.

What would surprise a reader: the file that was sent is never kept. It is read strictly and written
anew from its pixels (`engine.png`), so what is served can be nothing but a picture. Only PNG is
taken: SVG can hold scripts, and other kinds would need a library to be taken apart safely.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from workflows.accounts import Account
from workflows.engine import history, png
from workflows.engine.db import Base, command, db, lock
from workflows.memberships import require_admin
from workflows.organizations import Organization


class Logo(Base):
    __tablename__ = "logos"

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


def put_up(organization: Organization, content: bytes, *, by: Account) -> None:
    """Show this PNG as the logo; `Invalid(file=…)` says why another file is none."""
    require_admin(by, organization)  # before the work, and again inside
    _keep(organization, png.rewrite(content), by=by)


@command
def _keep(organization: Organization, picture: bytes, *, by: Account) -> None:
    lock(organization)
    require_admin(by, organization)
    version = hashlib.sha256(picture).hexdigest()[:16]
    if organization.logo == version:
        return
    organization.logo = version
    db.session.merge(Logo(organization_id=organization.id, content=picture))
    history.note(organization.id, by=by)


@command
def take_down(organization: Organization, *, by: Account) -> None:
    """Show the first letter of the name again; the picture is deleted."""
    lock(organization)
    require_admin(by, organization)
    if logo := of(organization):
        db.session.delete(logo)
        organization.logo = None
        history.note(organization.id, by=by)


def of(organization: Organization) -> Logo | None:
    return db.session.get(Logo, organization.id)
