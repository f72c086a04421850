"""Correspondence: the letters that a person's rows have caused, and how each try went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from workflows.engine.db import db
from workflows.engine.letters import Attempt, Letter
from workflows.engine.register import REGISTER


@dataclass(frozen=True)
class Posted:
    """A letter with its tries, the oldest first."""

    letter: Letter
    attempts: Sequence[Attempt]

    @property
    def at(self) -> datetime:
        """When it came to where it is: handed over, or else posted."""
        return self.letter.since if self.letter.told == "sent" else self.letter.posted_at


def about(rows: Mapping[str, Any]) -> list[Posted]:
    """The letters about these rows, given as queries for their ids by table, the newest first."""
    mine = select(Letter).where(which(rows)).order_by(Letter.id.desc())
    return _with_tries(db.session.scalars(mine).all())


def _with_tries(letters: Sequence[Letter]) -> list[Posted]:
    tries = select(Attempt).where(Attempt.letter_id.in_([letter.id for letter in letters]))
    of_letter: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in db.session.scalars(tries.order_by(Attempt.id)):
        of_letter[attempt.letter_id].append(attempt)
    return [Posted(letter, of_letter[letter.id]) for letter in letters]


def caused_by(request_id: str, limit: int) -> list[Posted]:
    """The letters that the request with this id caused, the newest first."""
    mine = select(Letter).filter_by(request_id=request_id).order_by(Letter.id.desc())
    return _with_tries(db.session.scalars(mine.limit(limit)).all())


def which(rows: Mapping[str, Any]) -> Any:
    """Whether a letter is about one of these rows, given as queries for their ids by table."""
    return or_(
        *(
            and_(Letter.template.in_(_templates(kind)), Letter.about_id.in_(ids))
            for kind, ids in rows.items()
            if _templates(kind)
        )
    )


def ids(rows: Mapping[str, Any]) -> Any:
    """The query for the ids of all letters about these rows."""
    return select(Letter.id).where(which(rows))


def _templates(kind: str) -> list[str]:
    """The letters that are about rows of this table."""
    return [name for name, known in REGISTER.items() if known.about.__tablename__ == kind]
