"""Cohorts: many rows that take one step together, in a few statements.

What would surprise a reader: the machine is asked once for all rows that are alike to it, and what
it says holds for each. Rows are held before they are asked, so that none moves in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from workflows.engine import history, mailings, outbox, sets
from workflows.engine.db import db, now
from workflows.engine.machine import Stateful

Kind = TypeVar("Kind", bound=Stateful)
Each = Mapping[int, Mapping[str, Any]]  # of each row, by its id, the columns that are its own


def hold(kind: type[Kind], which: Any) -> list[Kind]:
    """Read these rows again and hold them, as `lock` does: all at once, in the order of ids."""
    rows = select(kind).where(which).order_by(kind.id).with_for_update(key_share=True)
    return list(db.session.scalars(rows, execution_options={"populate_existing": True}))


def refused(rows: Sequence[Stateful], event: str, *, by: Any) -> dict[int, str]:
    """Why this event cannot happen to some of these, by their ids, in the words of the rule."""
    answers: dict[int, str] = {}
    for alike in _alike(rows, by):
        if sentence := alike[0].why_not(event, by=by):
            arrow = alike[0].state in alike[0].machine.sources(event)
            answers |= {row.id: sentence if arrow else row.no_arrow(event) for row in alike}
    return answers


def fire(
    rows: Sequence[Stateful], event: str, *, by: Any, each: Each | None = None, **changes: Any
) -> None:
    """Move all of these, which are held, with these columns changed in the same breath."""
    for alike in _alike(rows, by):
        alike[0].rehearse(event, by=by)
        source = alike[0].state
        [target] = {
            to for at, name, to in alike[0].machine.arrows() if (at, name) == (source, event)
        }
        _write(alike, source, {"state": target, "since": now(), **changes}, each)
        steps = {"event": event, "source": source, "target": target}
        history.record_all(type(alike[0]), [row.id for row in alike], _place(alike), by=by, **steps)


def _alike(rows: Sequence[Kind], by: Any) -> list[list[Kind]]:
    groups = defaultdict[Any, list[Kind]](list)
    for row in rows:
        groups[row.state, row.alike(by)].append(row)
    return list(groups.values())


def _place(rows: Sequence[Any]) -> int | None:
    """The organization of these; one action is about one."""
    [place] = {getattr(row, "organization_id", None) for row in rows}
    return place


def _write(
    rows: Sequence[Stateful], source: str, changes: dict[str, Any], each: Each | None
) -> None:
    table = rows[0].__table__
    here = table.c.state == source
    values = {**changes, "revision": table.c.revision + 1}
    ids = [row.id for row in rows]
    names = each[ids[0]] if each else {}
    own = {name: [each[one][name] for one in ids] for name in names} if each else {}
    if sets.change(type(rows[0]), ids, here, each=own, **values) != len(rows):
        raise StaleDataError("a row of the cohort has moved meanwhile")
    for row in rows:
        for name, value in {**changes, **(each[row.id] if each else {})}.items():
            set_committed_value(row, name, value)
        set_committed_value(row, "revision", row.revision + 1)


def begin(kind: type[Kind], each: sets.Each, *, by: Any, **same: Any) -> list[int]:
    """Add rows of one organization in their machine's first state; answers their ids, in order."""
    state = str(kind.machine.initial_state.value)
    ids = sets.begin(kind, each, **same, state=state, since=now(), revision=1)
    if ids:
        place = same.get("organization_id")
        history.record_all(kind, ids, place, by=by, event="begin", source=None, target=state)
    return ids


def post(template: str, organization_id: int, generations: Mapping[int, int]) -> None:
    """Send this letter about many rows of one organization: about each id, of this generation."""
    mailings.post_all(template, organization_id, generations)
    history.moved(outbox.REGISTER[template].about.__tablename__, *generations)
