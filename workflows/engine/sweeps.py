"""Sweeps: one event for every row that a condition finds, in sets, however many there are.

What would surprise a reader: nothing is loaded and no line is drawn anew. The machine is asked
which states expect the event; rows in other states stay as they are.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from workflows.engine import history
from workflows.engine.db import db, now
from workflows.engine.machine import Stateful


def sweep(
    kind: type[Stateful], which: Any, event: str, *, organization_id: int, by: Any, **changes: Any
) -> list[int]:
    """Let this happen to every such row, each with its step; answers their ids."""
    swept: list[int] = []
    for source, name, target in kind.machine.arrows():
        if name == event:
            moved = _move(kind, which, source, {**changes, "state": target})
            move = {"event": event, "source": source, "target": target}
            if moved:
                history.step_all(kind, moved, organization_id, by=by, **move)
            swept += moved
    return swept


def _move(kind: Any, which: Any, source: str, changes: dict[str, Any]) -> list[int]:
    rows = update(kind).where(which, kind.state == source).returning(kind.id)
    values = {"since": now(), "revision": kind.revision + 1, **changes}
    quietly = {"synchronize_session": False}
    return list(db.session.scalars(rows.values(**values), execution_options=quietly))
