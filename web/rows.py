"""Rows by the numbers in an address: a foreign one is missing, like one that never was."""

from __future__ import annotations

from typing import TypeVar

from flask import abort, g, request
from sqlalchemy import select

from workflows import memberships
from workflows.engine.db import Base, db

Row = TypeVar("Row", bound=Base)


def of_this_organization(kind: type[Row], row_id: int) -> Row:
    """The row, for an admin of the organization it belongs to."""
    memberships.require_admin(g.account, g.organization)
    mine = select(kind).filter_by(id=row_id, organization=g.organization)
    row: Row = db.session.scalar(mine) or abort(404)
    return row


def before() -> int | None:
    """The row whose predecessors are asked for; what is no number is no address."""
    text = request.args.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        abort(404)
    return int(text)
