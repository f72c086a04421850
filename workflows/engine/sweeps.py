"""Sweeps: one event for every row that a condition finds, in sets, however many there are.

What would surprise a reader: nothing is loaded and no line is drawn anew. The machine is asked
which states expect the event; rows in other states stay as they are.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from workflows.engine import history
from workflows.engine.db import db, now
from workflows.engine.history import Step
from workflows.engine.machine import Stateful


def sweep(
    kind: type[Stateful], which: Any, event: str, *, organization_id: int, by: Any, **changes: Any
) -> list[int]:
    """Let this happen to every such row, each with its step; answers their ids."""
    action = history.note(organization_id, by=by)
    db.session.flush()  # the steps need its id
    swept: list[int] = []
    for source, name, target in kind.machine.arrows():
        if name == event:
            moved = _move(kind, which, source, {**changes, "state": target})
            step = {"kind": kind.__table__.name, "event": event, "source": source, "target": target}
            if moved:
                rows = [{"action_id": action.id, "row_id": row_id, **step} for row_id in moved]
                db.session.execute(insert(Step), rows)
            swept += moved
    return swept


def _move(kind: Any, which: Any, source: str, changes: dict[str, Any]) -> list[int]:
    rows = update(kind).where(which, kind.state == source).returning(kind.id)
    values = {"since": now(), "revision": kind.revision + 1, **changes}
    quietly = {"synchronize_session": False}
    return list(db.session.scalars(rows.values(**values), execution_options=quietly))
