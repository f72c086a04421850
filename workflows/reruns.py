"""Reruns: many letters sent on their way again, set aside, or known to have left twice.

What would surprise a reader: nothing is sent here. A letter becomes due, and the next worker that
claims it writes it as things are by then; so one that is not wanted any more becomes moot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import select, update

from workflows import deliveries
from workflows.engine import cohorts, history
from workflows.engine.db import command, db, now
from workflows.engine.letters import Attempt, Letter
from workflows.engine.refusals import why_not_each

Refusals = dict[int, str]
EVENTS = {"pending": "hurry", "sending": "release"}  # else a letter is retried


@command
def again(ids: Collection[int], *, by: Any) -> Refusals:
    """Let these letters be tried at once, whatever they wait for; answers why some cannot be."""
    return _each(ids, lambda letter: _again(letter, by))


def _again(letter: Letter, by: Any) -> None:
    if letter.state == "pending":
        deliveries.send_now(letter, by=by)
    elif letter.state == "sending":
        deliveries.release(letter, by=by)
    else:
        deliveries.retry(letter, by=by)


def may_again(letter: Letter) -> None:
    """The rule behind Retry."""
    letter.rehearse(EVENTS.get(letter.state, "retry"), by=None)


@command
def discard(ids: Collection[int], *, by: Any) -> Refusals:
    """Say that nobody needs these letters any more; answers why that cannot be said of some."""
    return _each(ids, lambda letter: deliveries.set_aside(letter, by=by))


def _each(ids: Collection[int], do: Callable[[Letter], Any]) -> Refusals:
    return why_not_each(do, cohorts.hold(Letter, Letter.id.in_(ids)))


@command
def seen(ids: Collection[int], *, by: Any) -> Refusals:
    """Write down of letters that may have been sent twice that somebody knows."""
    letters = db.session.scalars(select(Letter).where(Letter.id.in_(ids), Letter.state == "sent"))
    for letter in letters.all():
        history.note(letter.organization_id, by=by)
    attempts = update(Attempt).where(Attempt.letter_id.in_(ids), Attempt.outcome.is_(None))
    sent = Attempt.letter_id.in_(select(Letter.id).where(Letter.state == "sent"))
    db.session.execute(attempts.where(sent).values(outcome="unknown", ended_at=now()))
    return {}
