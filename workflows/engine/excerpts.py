"""Excerpts: some steps of many actions, and how many rows each moved, for a page of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from workflows.engine.db import db
from workflows.engine.history import Action, Step

FEW = 3  # steps that are read of each kind that an action moved


def firsts(action_ids: Collection[int], kinds: Collection[str]) -> Sequence[Step]:
    """The first step of each kind of these actions, however many they have."""
    firsts = [
        select(func.min(Step.id)).where(Step.action_id == Action.id, Step.kind == kind)
        .correlate(Action).scalar_subquery() for kind in kinds
    ]  # fmt: skip
    found = db.session.execute(select(*firsts).where(Action.id.in_(action_ids)))
    ids = [step_id for row in found for step_id in row if step_id]
    return db.session.scalars(select(Step).where(Step.id.in_(ids))).all()


def few(moved: Any) -> Sequence[Step]:
    """The first steps of each kind of each action: a sentence names one of ten thousand."""
    place = func.row_number().over(partition_by=(Step.action_id, Step.kind), order_by=Step.id)
    first = select(Step.id, place.label("place")).where(moved).subquery()
    steps = select(Step).join(first, first.c.id == Step.id).where(first.c.place <= FEW)
    return db.session.scalars(steps.order_by(Step.id)).all()


def numbers(moved: Any) -> dict[int, Mapping[str, int]]:
    """How many rows of each table each action moved."""
    number = func.count(Step.row_id.distinct())
    counted = select(Step.action_id, Step.kind, number).where(moved)
    found: defaultdict[int, Any] = defaultdict(dict)
    for action_id, kind, rows in db.session.execute(counted.group_by(Step.action_id, Step.kind)):
        found[action_id][kind] = rows
    return found
