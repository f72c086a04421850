"""Licences: how many seats an organization has. Buying adds rows, shrinking deletes free ones."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, text

from workflows import seats
from workflows.engine import tallies
from workflows.engine.db import db, now
from workflows.engine.refusals import NotNow
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import BOUGHT, Seat
from workflows.tokens import Token


def add(organization_id: int, number: int) -> None:
    """Add seats that were bought, for those in line or free; the organization is held."""
    row = {"organization_id": organization_id, "state": "free", "since": now(), "revision": 1}
    if number:
        db.session.execute(insert(Seat), [row] * number)
        tallies.add(organization_id, {BOUGHT: number})
        seats.serve(organization_id)


def become(organization_id: int, number: int) -> None:
    """Let there be so many seats; the organization is held."""
    there = select(func.count()).select_from(Seat).filter_by(organization_id=organization_id)
    more = number - (db.session.scalar(there) or 0)
    (add if more > 0 else take_away)(organization_id, abs(more))


def take_away(organization_id: int, number: int) -> None:
    """Delete free seats; when too few are free, none is deleted."""
    missing = number - _delete_free(organization_id, number)
    if missing:
        raise NotNow(f"{missing:,} of these seats are in use. Free them first.")


def take_free(organization_id: int) -> None:
    """Delete every seat that nobody has; the organization is held."""
    _delete_free(organization_id)


def _delete_free(organization_id: int, most: int | None = None) -> int:
    """Delete free seats, the newest first; answers how many."""
    free = select(Seat.id).where(Seat.organization_id == organization_id, text("state = 'free'"))
    doomed = free.order_by(Seat.id.desc()).limit(most).with_for_update().subquery()
    deleted = db.session.execute(delete(Seat).where(Seat.id.in_(select(doomed.c.id))))
    number = int(deleted.rowcount)  # type: ignore[attr-defined]
    tallies.add(organization_id, {BOUGHT: -number})
    return number


def in_the_way(organization: Organization, number: int) -> Sequence[Membership]:
    """Whose seats to free before there can be this number: longest unused first."""
    used = seats.count(organization).used
    holders = (
        select(Membership)
        .join(Seat, Seat.membership_id == Membership.id)
        .join(Token, Token.seat_id == Seat.id)
        .where(Seat.organization_id == organization.id)
        .order_by(Token.last_used_at.is_not(None), Token.last_used_at, Token.since)
    )
    return db.session.scalars(holders.limit(max(0, used - number))).all()
