"""Windows: a page of a table of any size, newest first, at a cost with a limit.

What would surprise a reader: a page may be short, or empty, and still have another after it. Only
so many rows are looked at for one page; the next one goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import and_, select, true

from workflows.engine.db import db

LOOKED_AT = 20_000  # rows for one page
PAGE = 50
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Window(Generic[Kind]):
    """Some rows, and the id before which the next page begins; None after the last."""

    rows: Sequence[Kind]
    before: int | None = None


def look(
    kind: type[Kind],
    found: Sequence[Any],
    sifted: Sequence[Any] = (),
    before: int | None = None,
    size: int = PAGE,
) -> Window[Kind]:
    """Rows that meet `found`, which an index answers, and `sifted`, for which each is looked at."""
    table: Any = kind
    lead = and_(true(), *found, *([table.id < before] if before is not None else []))
    newest = select(kind).where(lead).order_by(table.id.desc())
    end = None
    if sifted:
        ids = select(table.id).where(lead).order_by(table.id.desc())
        end = db.session.scalar(ids.offset(LOOKED_AT - 1).limit(1))
        newest = newest.where(*sifted, *([table.id >= end] if end is not None else []))
    rows = db.session.scalars(newest.limit(size + 1)).all()
    more = rows[size - 1].id if len(rows) > size else end  # type: ignore[attr-defined]
    return Window(rows[:size], more)


def begins(column: Any, beginning: str) -> Any:
    """Whether a text begins so, as its index answers it on either database."""
    last = beginning + chr(0x10FFFF)
    if db.engine.dialect.name == "postgresql":
        return and_(column.bool_op("~>=~")(beginning), column.bool_op("~<~")(last))
    return and_(column >= beginning, column < last)
