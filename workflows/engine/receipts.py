"""Receipts: that a mail server took a letter, written down before anything that follows from it.

What would surprise a reader: a letter is marked as sent in a second transaction. That one draws
anew what depends on the letter, and takes long enough for workers to be killed in it; such a
letter has its receipt, and whoever takes it over marks it instead of sending it twice.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import exists, or_, select, update
from sqlalchemy.exc import DBAPIError

from workflows.engine.db import at_once, db, moment
from workflows.engine.envelopes import Claim
from workflows.engine.letters import KEPT_BACK, Attempt, Letter

SENT = Attempt.outcome == "sent"


def sign(claim: Claim, reply: str) -> None:
    """The mail server took the letter on this claim; it never leaves again.

    Where this cannot be written, the mark that follows may be: it waits, and is tried again.
    """
    mine = update(Attempt).where(Attempt.letter_id == claim.letter_id, Attempt.lease == claim.lease)
    with suppress(DBAPIError):
        at_once(mine.values(outcome="sent", reply=reply, ended_at=moment()))


def of(letter_id: int) -> Attempt | None:
    """The try that handed the letter over, as far as that is known."""
    return db.session.scalar(select(Attempt).where(Attempt.letter_id == letter_id, SENT))


def was_sent(template: str, about_id: int) -> bool:
    """Whether such a letter was handed over, may have been, or was kept back without a word."""
    such = select(Letter.id).filter_by(template=template, about_id=about_id)
    tried = exists().where(Attempt.letter_id == Letter.id, or_(Attempt.outcome.is_(None), SENT))
    perhaps = or_(Letter.state == "sent", Letter.reply == KEPT_BACK, tried)
    return db.session.scalar(such.where(perhaps).limit(1)) is not None
