"""Ailments: what a way to be stuck is made of, and how its rows are found, counted and listed.

What would surprise a reader: *stuck* waits for a machine and is an error; *waiting* waits for a
person and is none. Each is one query, of rows that wait and no others, so that it costs what is
wrong and not what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, String, and_, case, func, literal, null, or_, select, true
from sqlalchemy import cast as as_type

from workflows.engine import sets
from workflows.engine.db import db, now

MOST_CAUSES = 50  # of one ailment that are told apart
EVER = datetime.min.replace(tzinfo=UTC)
AGES = (1, 3, 7, 30)  # days: what waits is counted by these


@dataclass(frozen=True)
class Remedy:
    """What an operator can do about a row: commands that exist, asked for their rules first."""

    name: str
    label: str
    many: str  # the label for several rows, {} for their number
    comes: str  # what comes of it
    may: Callable[[Any], None]  # refuses, or not, one row
    do: Callable[..., Any]  # the command on one row
    row: Any  # the class of its rows
    sets: bool = False  # the command takes the ids of many, and answers why not to some

    def titled(self, number: int) -> str:
        """The label for so many rows."""
        return self.label if number == 1 else self.many.format(f"{number:,}")


@dataclass(frozen=True)
class Ailment:
    """One way to be stuck or to wait: a name for machines, a title and a diagnosis for people."""

    name: str
    codes: str  # of the list it comes from: K1, W4
    title: str
    sentence: str
    kind: str  # the table of its rows
    rows: Callable[[], Select[Any]]  # made by `found`
    turn: str = ""  # whose turn it is; empty: a machine's, so it is stuck
    itself: str = ""  # what happens without anybody
    remedies: tuple[Remedy, ...] = field(default=())
    mild: bool = False  # nothing has to be done about it
    first: bool = False  # what else is stuck may come of it, so it is mended before that
    meaning: Callable[[str], str] = lambda cause: ""  # what more is to be said of this cause
    under_way: Callable[[Collection[int]], Collection[int]] = lambda ids: ()  # not judged yet

    @property
    def stuck(self) -> bool:
        return not self.turn

    @property
    def family(self) -> Literal["stuck", "waiting"]:
        return "stuck" if self.stuck else "waiting"

    def remedy(self, name: str) -> Remedy | None:
        return next((one for one in self.remedies if one.name == name), None)


@dataclass(frozen=True)
class Cause:
    """How many rows of an ailment have one cause, since when, and how many in each age."""

    cause: str
    number: int
    since: datetime
    ages: tuple[int, ...] = ()


@dataclass(frozen=True)
class Found:
    """One row that is stuck or waits."""

    row_id: int
    since: datetime
    cause: str
    organization_id: int | None


def found(row_id: Any, since: Any, cause: Any = "", organization_id: Any = None) -> Select[Any]:
    """The select of an ailment: of each row its id, since when, why, and whose it is."""
    words = literal(cause) if isinstance(cause, str) else func.coalesce(cause, "")
    place = null() if organization_id is None else organization_id
    return select(
        row_id.label("row_id"), since.label("since"), as_type(words, String).label("cause"),
        place.label("organization_id"),
    )  # fmt: skip


def found_of(kind: Any, cause: Any = "") -> Select[Any]:
    """The select of rows of an organization that wait since their state began."""
    return found(kind.id, kind.since, cause, kind.organization_id)


def causes(ailment: Ailment) -> list[Cause]:
    """What the rows of this ailment have in common, most first."""
    rows, moment = ailment.rows().subquery(), now()
    edges = [moment - timedelta(days=days) for days in AGES]
    bounds = zip([moment + timedelta(days=1), *edges], [*edges, None], strict=True)
    ages = [
        func.sum(case((and_(rows.c.since <= late, rows.c.since > early if early else true()), 1),
                      else_=0))
        for late, early in bounds
    ]  # fmt: skip
    number, oldest = func.count(), func.min(rows.c.since)
    counted = select(rows.c.cause, number, oldest, *ages).group_by(rows.c.cause)
    most = counted.order_by(number.desc(), rows.c.cause).limit(MOST_CAUSES)
    return [
        Cause(cause, many, since, tuple(int(one) for one in by_age))
        for cause, many, since, *by_age in db.session.execute(most)
    ]


def number_of(ailment: Ailment, cause: str) -> int:
    """How many rows of this ailment have this cause."""
    rows = ailment.rows().subquery()
    counted = select(func.count()).select_from(rows).where(rows.c.cause == cause)
    return db.session.scalar(counted) or 0


def listed(
    ailment: Ailment, cause: str | None = None, after: Found | None = None, limit: int = 50
) -> list[Found]:
    """Some rows of this ailment, of one cause or all, the oldest first."""
    rows = ailment.rows().subquery()
    some = select(rows)
    if cause is not None:
        some = some.where(rows.c.cause == cause)
    if after is not None:
        later = and_(rows.c.since == after.since, rows.c.row_id > after.row_id)
        some = some.where(or_(rows.c.since > after.since, later))
    oldest = some.order_by(rows.c.since, rows.c.row_id).limit(limit)
    return [Found(*row) for row in db.session.execute(oldest)]


def ids(ailment: Ailment, cause: str | None, until: datetime, limit: int) -> list[int]:
    """The rows of this ailment and cause that were so at a moment."""
    rows = ailment.rows().subquery()
    some = select(rows.c.row_id).where(rows.c.since <= until)
    if cause is not None:
        some = some.where(rows.c.cause == cause)
    return list(db.session.scalars(some.order_by(rows.c.since, rows.c.row_id).limit(limit)))


def those_of(ailment: Ailment, row_ids: Collection[int]) -> dict[int, datetime]:
    """Which of these rows have this ailment, and since when."""
    rows = ailment.rows().subquery()
    those: Any = select(rows.c.row_id, rows.c.since).where(sets.among(rows.c.row_id, row_ids))
    return dict(db.session.execute(those).all())


def undecided(ailment: Ailment, row_ids: Collection[int]) -> dict[int, datetime]:
    """The same, and those of which it is not known yet whether they still have it."""
    return those_of(ailment, row_ids) | dict.fromkeys(ailment.under_way(row_ids), EVER)
