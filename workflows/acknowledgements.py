"""Acknowledgements: somebody knows of a cause, and has written down what is known.

One is gone with its cause, so that the next time is news again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import operators, stuck
from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import Base, command, db, now
from workflows.engine.refusals import Invalid, NotFound

LONGEST = 300  # characters
SETTLE = timedelta(minutes=2)  # in which the clock has looked for the cause itself


class Acknowledgement(Base):
    __tablename__ = "acknowledgements"
    __table_args__ = (UniqueConstraint("ailment", "cause"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ailment: Mapped[str]
    cause: Mapped[str]
    note: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]

    by: Mapped[Account] = relationship()


@command
def acknowledge(ailment: str, cause: str, note: str, *, by: Account) -> None:
    """Write down what is known of this cause, in place of what was."""
    operators.require_acting(by)
    if stuck.ailment(ailment) is None:
        raise NotFound("There is no such way to be stuck.")
    words = " ".join(note.split())
    if not words or len(words) > LONGEST or not words.isprintable():
        raise Invalid(note=f"Say what is known of it, in 1 to {LONGEST} characters.")
    own = of(ailment, cause) or Acknowledgement(ailment=ailment, cause=cause)
    if own.note == words:
        return
    own.note, own.by_id, own.at = words, by.id, now()
    db.session.add(own)
    history.because(words)
    history.note(None, by=by)


def of(ailment: str, cause: str) -> Acknowledgement | None:
    """What is known of this cause, if anybody wrote it down."""
    own = select(Acknowledgement).filter_by(ailment=ailment, cause=cause)
    return db.session.scalar(own)


def all_of_them() -> dict[tuple[str, str], Acknowledgement]:
    found = db.session.scalars(select(Acknowledgement))
    return {(one.ailment, one.cause): one for one in found}


@command
def drop_settled(found: Mapping[str, Any]) -> None:
    """Forget what was known of causes that the last survey has not found any more."""
    there = {(name, one["cause"]) for name, causes in found.items() for one in causes}
    for key, own in all_of_them().items():
        if key not in there and own.at < now() - SETTLE:
            db.session.delete(own)
