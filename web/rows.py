"""Rows by the numbers in an address: a foreign one is missing, like one that never was."""

from __future__ import annotations

from typing import TypeVar

from flask import abort, g

from workflows import memberships
from workflows.engine.db import Base, db

Row = TypeVar("Row", bound=Base)


def of_this_organization(kind: type[Row], row_id: int) -> Row:
    """The row, for an admin of the organization it belongs to."""
    memberships.require_admin(g.account, g.organization)
    mine = db.select(kind).filter_by(id=row_id, organization=g.organization)
    row: Row = db.session.scalar(mine) or abort(404)
    return row
