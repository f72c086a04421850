"""How many rows one action moved, kept beside its steps: a page need not count ten thousand.

Only what is done in sets is kept here, a row for each statement; what moves rows one by one is
counted from its steps, which are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ForeignKey, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, db


class Heap(Base):
    __tablename__ = "heaps"

    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[int] = mapped_column(ForeignKey("actions.id"), index=True)
    kind: Mapped[str]  # the table
    event: Mapped[str]
    number: Mapped[int]  # of steps that the statement wrote


def add(action_id: int, kind: str, event: str, number: int) -> None:
    """Note that this action moved so many more rows of the table by this event."""
    heap = {"action_id": action_id, "kind": kind, "event": event, "number": number}
    db.session.execute(insert(Heap), [heap])


def of(action_ids: Collection[int]) -> Mapping[int, Mapping[str, int]]:
    """Of those that moved rows in sets: how many of each table.

    A row that took two steps in one action is one row, so of two events the larger counts.
    """
    sums = select(Heap.action_id, Heap.kind, func.sum(Heap.number))
    mine = sums.where(Heap.action_id.in_(action_ids))
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    by_event = mine.group_by(Heap.action_id, Heap.kind, Heap.event)
    for action_id, kind, number in db.session.execute(by_event):
        found[action_id][kind] = max(found[action_id].get(kind, 0), int(number))
    return found
