"""Reruns: letters that somebody sends on their way again, or says that nobody needs any more.

What would surprise a reader: nothing is sent here. A letter becomes due, and the next worker that
claims it writes it as things are by then; so one that is not wanted any more becomes moot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from workflows.engine import history, outbox
from workflows.engine.db import command, db, now
from workflows.engine.letters import Attempt, Letter
from workflows.engine.refusals import NotNow, why_not

GRACE = timedelta(seconds=30)  # after the end of a lease, in which somebody else takes over
Refusals = dict[int, str]


@command
def again(ids: Collection[int], *, by: Any) -> Refusals:
    """Let these letters be tried at once, with all their time; answers why some cannot be."""
    return _each(ids, _again, by)


def _again(letter: Letter, by: Any) -> None:
    may_again(letter)
    fresh: dict[str, Any] = {"due_at": now(), "lost": 0}
    if letter.state == "sending":
        fresh |= {"lease": letter.lease + 1, "lease_until": None}
    if letter.state in ("bounced", "dead"):
        fresh |= {"attempts": 0, "posted_at": now()}  # it is given up 72 hours after that
    letter.fire(_event(letter), by=by, **fresh)
    history.moved(outbox.REGISTER[letter.template].about.__tablename__, letter.about_id)


def may_again(letter: Letter) -> None:
    """The rule behind Retry."""
    if letter.state == "sending" and not _lapsed(letter.lease_until):
        raise NotNow("A worker is sending this letter at this moment.")
    letter.rehearse(_event(letter), by=None)


def _lapsed(lease_until: datetime | None) -> bool:
    return lease_until is not None and lease_until < now() - GRACE


def _event(letter: Letter) -> str:
    return {"pending": "hurry", "sending": "put_off"}.get(letter.state, "retry")


@command
def discard(ids: Collection[int], *, by: Any) -> Refusals:
    """Say that nobody needs these letters any more; answers why that cannot be said of some."""
    return _each(ids, lambda letter, by: letter.fire("discard", by=by), by)


def may_discard(letter: Letter) -> None:
    """The rule behind Set Aside."""
    letter.rehearse("discard", by=None)


def _each(ids: Collection[int], do: Callable[[Letter, Any], Any], by: Any) -> Refusals:
    held = select(Letter).where(Letter.id.in_(ids)).order_by(Letter.id)
    found = db.session.scalars(
        held.with_for_update(key_share=True), execution_options={"populate_existing": True}
    ).all()
    answers = {letter.id: why_not(do, letter, by) for letter in found}
    return {one: sentence for one, sentence in answers.items() if sentence}


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
