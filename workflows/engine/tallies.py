"""Tallies: how many of something an organization has, without counting them.

What would surprise a reader: a number is the sum of many rows. Whoever changes it adds a row in
its own transaction, so that no two commands wait for each other; the clock folds the rows together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, delete, func, insert, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, command, db

FOLD_FROM = 40  # rows of one organization


class Tally(Base):
    __tablename__ = "tallies"
    __table_args__ = (Index(None, "organization_id", "what"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    what: Mapped[str]
    number: Mapped[int]


def add(organization_id: int, numbers: Mapping[str, int]) -> None:
    """So many more of each of these; fewer if below zero."""
    rows = [
        {"organization_id": organization_id, "what": what, "number": number}
        for what, number in numbers.items()
        if number
    ]
    if rows:
        db.session.execute(insert(Tally), rows)


def forget(organization_id: int) -> None:
    """Take away every number of an organization that has nothing any more."""
    db.session.execute(delete(Tally).where(Tally.organization_id == organization_id))


def of(organization_id: int) -> Counter[str]:
    """Every number of this organization."""
    sums = select(Tally.what, func.sum(Tally.number)).group_by(Tally.what)
    mine = sums.where(Tally.organization_id == organization_id)
    return Counter({what: int(number) for what, number in db.session.execute(mine)})


def mend(counted: Sequence[Any], like: str, of: Collection[int] | None = None) -> int:
    """Set what differs from a count; answers how many numbers did.

    `counted` select organization, what, and how many of it, for all that are called `like`, of
    all organizations or of these. One statement sees rows and tallies at one moment, so what is
    missing is right whenever it is added.
    """
    told = select(Tally.organization_id, Tally.what, -Tally.number).where(Tally.what.like(like))
    if of is not None:
        told = told.where(Tally.organization_id.in_(of))
    both = union_all(*counted, told).subquery()
    organization_id, what, number = both.c
    missing = select(organization_id, what, func.sum(number)).group_by(organization_id, what)
    found = db.session.execute(missing.having(func.sum(number) != 0)).all()
    for organization, name, more in found:
        add(organization, {name: int(more)})
    return len(found)


@command
def fold() -> None:
    """Add up the rows of organizations that have many."""
    many = select(Tally.organization_id).group_by(Tally.organization_id)
    for organization_id in db.session.scalars(many.having(func.count() > FOLD_FROM)).all():
        rows = delete(Tally).where(Tally.organization_id == organization_id)
        numbers: Counter[str] = Counter()
        for what, number in db.session.execute(rows.returning(Tally.what, Tally.number)):
            numbers[what] += number
        add(organization_id, numbers)
