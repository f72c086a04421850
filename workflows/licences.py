"""Licences: how many seats an organization has. Buying adds rows, shrinking deletes free ones."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, text

from workflows import seats
from workflows.engine import tallies
from workflows.engine.db import db, now
from workflows.engine.refusals import NotNow
from workflows.seats import BOUGHT, Seat


def add(organization_id: int, number: int) -> None:
    """Add seats that were bought, for those in line or free; the organization is held."""
    row = {"organization_id": organization_id, "state": "free", "since": now(), "revision": 1}
    if number:
        db.session.execute(insert(Seat), [row] * number)
        tallies.add(organization_id, {BOUGHT: number})
        seats.serve(organization_id)


def take_away(organization_id: int, number: int) -> None:
    """Delete free seats; when too few are free, none is deleted."""
    free = select(Seat.id).where(Seat.organization_id == organization_id, text("state = 'free'"))
    doomed = free.order_by(Seat.id.desc()).limit(number).with_for_update().subquery()
    taken_away = db.session.execute(delete(Seat).where(Seat.id.in_(select(doomed.c.id))))
    missing = number - taken_away.rowcount  # type: ignore[attr-defined]
    if missing:
        raise NotNow(f"{missing:,} of these seats are in use. Free them first.")
    tallies.add(organization_id, {BOUGHT: -number})
