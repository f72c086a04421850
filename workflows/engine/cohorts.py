"""Cohorts: many rows that take one step together, in a few statements.

What would surprise a reader: the machine is asked once for all rows that are alike to it, and what
it says holds for each. Rows are held before they are asked, so that none moves in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from workflows.engine import history, mailings, register, sets
from workflows.engine.db import db, now
from workflows.engine.machine import Stateful

Kind = TypeVar("Kind", bound=Stateful)
Each = Mapping[int, Mapping[str, Any]]  # of each row, by its id, the columns that are its own


class Cohort(NamedTuple):
    """Rows of one kind that are held, in one state and of one organization."""

    kind: type[Stateful]
    ids: Sequence[int]
    source: str
    organization_id: int | None


def hold(kind: type[Kind], which: Any) -> list[Kind]:
    """Read these rows again and hold them, as `lock` does: all at once, in the order of ids."""
    rows = select(kind).where(which).order_by(kind.id).with_for_update(key_share=True)
    return list(db.session.scalars(rows, execution_options={"populate_existing": True}))


def hold_states(kind: type[Kind], which: Any) -> dict[int, str]:
    """Hold these rows and read the state of each alone, by its id."""
    rows: Any = select(kind.id, kind.state).where(which).order_by(kind.id)
    return dict(sets.read(rows.with_for_update(key_share=True)))


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
        ids = [row.id for row in alike]
        own = {name: [each[one][name] for one in ids] for name in each[ids[0]]} if each else {}
        cohort = Cohort(type(alike[0]), ids, alike[0].state, _place(alike))
        same = _write(cohort, event, own, changes)
        for place, row in enumerate(alike):
            mine = {name: values[place] for name, values in own.items()}
            for name, value in {**same, **mine, "revision": row.revision + 1}.items():
                set_committed_value(row, name, value)
        _record(cohort, event, by)


def move(
    cohort: Cohort, event: str, *, by: Any, each: sets.Each = MappingProxyType({}), **changes: Any
) -> None:
    """The same for rows that were not read, of a kind whose rules see nothing but the state."""
    kind: Any = cohort.kind
    assert kind.alike is Stateful.alike
    kind(state=cohort.source).rehearse(event, by=by)
    _write(cohort, event, each, changes)
    _record(cohort, event, by)
    for row in list(db.session.identity_map.values()):
        if type(row) is kind:
            db.session.expire(row)


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
    cohort: Cohort, event: str, each: sets.Each, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Answers the columns that all of these rows have in common from now on."""
    state, revision = cohort.kind.__table__.c.state, cohort.kind.__table__.c.revision
    same = {"state": _target(cohort, event), "since": now(), **changes}
    here, written = state == cohort.source, {**same, "revision": revision + 1}
    if sets.change(cohort.kind, cohort.ids, here, each=each, **written) != len(cohort.ids):
        raise StaleDataError("a row of the cohort has moved meanwhile")
    return same


def _target(cohort: Cohort, event: str) -> str:
    arrows = cohort.kind.machine.arrows()
    [target] = {to for source, name, to in arrows if (source, name) == (cohort.source, event)}
    return target


def _record(cohort: Cohort, event: str, by: Any) -> None:
    kind, ids, source, place = cohort
    steps = {"event": event, "source": source, "target": _target(cohort, event)}
    history.record_all(kind, ids, place, by=by, **steps)


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
    history.moved(register.of(template).about.__tablename__, *generations)
