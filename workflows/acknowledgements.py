"""Acknowledgements: somebody knows of a cause, and has written down what is known.

One is gone with its cause, so that the next time is news again. What grows far beyond what was
known of is news too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import ailments, operators, stuck
from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import Base, command, db, now
from workflows.engine.refusals import Invalid, NotFound

TIMES, MORE = 2, 10  # beyond so many times what was known, and so many more, it is news
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
    number: Mapped[int] = mapped_column(server_default="0")  # of rows, when it was written down

    by: Mapped[Account] = relationship()

    def covers(self, number: int) -> bool:
        """Whether so many rows are still what was known of."""
        return number <= max(TIMES * self.number, self.number + MORE)


@command
def acknowledge(ailment: str, cause: str, note: str, *, by: Account) -> None:
    """Write down what is known of this cause, in place of what was."""
    operators.require_acting(by)
    ill = stuck.ailment(ailment)
    if ill is None:
        raise NotFound("There is no such way to be stuck.")
    words = " ".join(note.split())
    if not words or len(words) > LONGEST or not words.isprintable():
        raise Invalid(note=f"Say what is known of it, in 1 to {LONGEST} characters.")
    own = of(ailment, cause) or Acknowledgement(ailment=ailment, cause=cause)
    number = ailments.number_of(ill, cause)
    if (own.note, own.number) == (words, number):
        return
    own.note, own.number, own.by_id, own.at = words, number, by.id, now()
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
