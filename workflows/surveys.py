"""Surveys: what the clock looks at again and again, so that pages about all of Usher need not.

What would surprise a reader: how often depends on how long it takes. A survey of a million rows
comes less often than one of a thousand, so that looking takes a fiftieth of the time at most;
only what is stuck is looked for within the minute whatever that takes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from workflows import ailments, invariants
from workflows.engine import readings
from workflows.engine.db import db, now
from workflows.engine.history import Action, Step
from workflows.engine.letters import ARROWS, Attempt
from workflows.machines import LIVES
from workflows.stuck import AILMENTS

LATELY = timedelta(hours=1)
FRESH = timedelta(seconds=60)
EVERY, LONGEST_PAUSE = 10, 40  # seconds: whatever is stuck is found within the minute
LONGEST_COUNT = 600  # seconds between counts of all rows


def pause_after(seconds: float, longest: float = LONGEST_PAUSE) -> timedelta:
    """How long to wait after a survey that took so long: the longer, the longer, up to a limit."""
    return timedelta(seconds=min(max(EVERY, 50 * seconds), longest))


def look_for_ailments() -> None:
    """Find what is stuck and what waits."""
    readings.take("ailments", find)


def look_at_states() -> None:
    """Count the rows of every machine by state, and what moved within the hour."""
    readings.take("states", lambda: {"rows": _states(), "moves": _moves()})


def check_invariants() -> None:
    readings.take("invariants", invariants.count_all)


def find() -> dict[str, Any]:
    """The causes of every ailment that anybody has, as they are kept."""
    return {
        ailment.name: [
            {"cause": one.cause, "number": one.number, "since": one.since.isoformat(),
             "ages": one.ages}
            for one in causes
        ]
        for ailment in AILMENTS
        if (causes := ailments.causes(ailment))
    }  # fmt: skip


def _states() -> dict[str, Any]:
    """Of every machine: by state how many rows, and since when the oldest is in it."""
    return {name: _states_of(kind) for name, (kind, _) in LIVES.items()}


def _states_of(kind: Any) -> dict[str, Any]:
    counted = select(kind.state, func.count(), func.min(kind.since)).group_by(kind.state)
    return {state: [number, _iso(since)] for state, number, since in db.session.execute(counted)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moves() -> dict[str, dict[str, int]]:
    """Of every table: how often each arrow was taken within the hour."""
    first = select(func.min(Action.id)).where(Action.at > now() - LATELY).scalar_subquery()
    lately = select(Step.kind, Step.source, Step.target, func.count()).where(
        Step.action_id >= first, Step.source.is_not(None)
    )
    moves: defaultdict[str, Counter[str]] = defaultdict(Counter)
    steps = lately.group_by(Step.kind, Step.source, Step.target)
    for kind, source, target, number in db.session.execute(steps):
        moves[kind][f"{source}>{target}"] = number
    tried = select(Attempt.outcome, func.count()).where(Attempt.at > now() - LATELY)
    for outcome, number in db.session.execute(tried.group_by(Attempt.outcome)):
        moves["letters"]["pending>sending"] += number
        if outcome:
            moves["letters"][ARROWS.get(outcome, "sending>pending")] += number
    return {kind: dict(arrows) for kind, arrows in moves.items()}
