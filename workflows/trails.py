"""Trails: the way that one row has gone through its machine. Read only.

What would surprise a reader: a letter takes its steps in two tables. What workers did to it stands
in `attempts`, what an operator did in `steps`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from workflows.engine import history
from workflows.engine.db import db
from workflows.engine.history import Step
from workflows.engine.letters import ARROWS, Attempt, Letter


@dataclass(frozen=True)
class Move:
    """One arrow that the row took; of a letter's the worker's doing has no step."""

    at: datetime
    source: str | None  # None: it began
    target: str
    step: Step | None = None


def moves(row: Any) -> list[Move]:
    """Every arrow that the row has taken, oldest first."""
    steps = [Move(step.action.at, step.source, step.target, step) for step in history.history(row)]
    if not isinstance(row, Letter):
        return steps
    begun = [] if steps and steps[0].source is None else [Move(row.posted_at, None, "pending")]
    return sorted([*begun, *steps, *_of_letter(row)], key=lambda move: move.at)


def _of_letter(letter: Letter) -> Iterator[Move]:
    tries = select(Attempt).where(Attempt.letter_id == letter.id).order_by(Attempt.lease)
    for one in db.session.scalars(tries):
        yield Move(one.at, "pending", "sending")
        if one.outcome:
            source, _, target = ARROWS.get(one.outcome, "sending>pending").partition(">")
            yield Move(one.ended_at or one.at, source, target)


def times(taken: Sequence[Move]) -> Counter[str]:
    """How often each arrow was taken, as "source>target"."""
    return Counter(f"{move.source}>{move.target}" for move in taken if move.source)


def reached(taken: Sequence[Move]) -> dict[str, datetime]:
    """When the row last came to each state that it has been in."""
    return {move.target: move.at for move in taken if move.source != move.target}
