"""Cases: the people of an errand, or the rows of a list, one row each, and what became of them.

What would surprise a reader: no name is written down. Where a rule's sentence has one, {name}
stands in the row, so that all who are alike have the same sentence and are counted together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from workflows.drawings import Subject
from workflows.engine import sets
from workflows.engine.db import Base, db, index_of_few
from workflows.invitations import Invitation
from workflows.memberships import Membership

OUTCOMES = ("waiting", "done", "refused")
GAVE_UP = "Usher failed at this several times and gave up. Why is in the log of this site."
GIVEN_UP = f"cases.sentence = '{GAVE_UP}'"


class Foreseen(NamedTuple):
    """Whom it is about, and why it will not be done."""

    membership_id: int | None = None
    invitation_id: int | None = None
    written: str | None = None
    place: int | None = None
    sentence: str | None = None

    @property
    def subject(self) -> Subject:
        return self.membership_id, self.invitation_id


class Waiting(NamedTuple):
    """A case to which nothing was done yet, by its id."""

    id: int
    about: Foreseen


class Case(Base):
    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(
            "(membership_id IS NULL) <> (invitation_id IS NULL AND written IS NULL)",
            name="one_subject",
        ),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("outcome <> 'refused' OR sentence IS NOT NULL", name="refused_with_reason"),
        Index(None, "errand_id", "outcome", "id"),
        index_of_few("cases_given_up", "errand_id", which=GIVEN_UP.removeprefix("cases.")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    errand_id: Mapped[int] = mapped_column(ForeignKey("errands.id"))
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    written: Mapped[str | None]  # whom to invite: an address, or what is none
    place: Mapped[int | None]  # where that stands in the list
    outcome: Mapped[str]  # one of OUTCOMES
    # Why it was refused; while waiting, why it will be; and what was done, if not the same to all.
    sentence: Mapped[str | None]

    membership: Mapped[Membership | None] = relationship()
    invitation: Mapped[Invitation | None] = relationship()

    @property
    def name(self) -> str:
        """Who it is about, as we know them."""
        if self.membership:
            return self.membership.account.name
        return self.invitation.email if self.invitation else self.written or ""

    @property
    def why(self) -> str:
        """The sentence, with the name that the person has today."""
        name = self.membership.account.name if self.membership else ""
        return (self.sentence or "").replace("{name}", name)


ABOUT: list[Any] = [getattr(Case, name) for name in Foreseen._fields]


def begin(errand_id: int, foreseen: Iterable[Foreseen]) -> None:
    """Write down who is concerned, in this order, and why it will not be done to some."""
    each = dict(zip(Foreseen._fields, zip(*foreseen, strict=True), strict=True))
    sets.add(Case, each, errand_id=errand_id, outcome="waiting")


def waiting(errand_id: int, limit: int) -> Sequence[Waiting]:
    """The next of those to whom nothing was done yet."""
    rows: Any = select(Case.id, *ABOUT)
    mine = rows.where(Case.errand_id == errand_id, Case.outcome == "waiting")
    found = sets.read(mine.order_by(Case.id).limit(limit))
    return [Waiting(row[0], Foreseen._make(row[1:])) for row in found]


def settle(
    ids: Iterable[int], refused: Mapping[int, str], became: Mapping[int, str] | None = None
) -> None:
    """Write down the outcome of each of these: why not, or what became of it if that differs."""
    outcomes: dict[tuple[str, str | None], list[int]] = {}
    for one in ids:
        no = refused.get(one)
        answer = ("refused", no) if no else ("done", (became or {}).get(one))
        outcomes.setdefault(answer, []).append(one)
    for (outcome, sentence), alike in outcomes.items():
        ended = {"outcome": outcome, "sentence": sentence}
        sets.change(Case, alike, each={}, **ended)


def forget(errand_id: int) -> None:
    db.session.execute(delete(Case).where(Case.errand_id == errand_id))


def give_up(errand_id: int, number: int) -> None:
    """Leave the next so many out, as Usher failed at them again and again."""
    ids = [case.id for case in waiting(errand_id, number)]
    settle(ids, dict.fromkeys(ids, GAVE_UP))


def some_given_up(errand_id: int) -> bool:
    mine = select(Case.id).where(Case.errand_id == errand_id, text(GIVEN_UP))
    return db.session.scalar(mine.limit(1)) is not None


def reopen(errand_id: int) -> None:
    """Let those that were given up wait for their turn again."""
    mine = update(Case).where(Case.errand_id == errand_id, text(GIVEN_UP))
    db.session.execute(mine.values(outcome="waiting", sentence=None))


def left(errand_id: int) -> list[Foreseen]:
    """Those to whom it was not done, whatever the reason."""
    mine = select(*ABOUT).where(Case.errand_id == errand_id, Case.outcome != "done")
    return [Foreseen(*row) for row in db.session.execute(mine.order_by(Case.id))]


def counts(errand_id: int) -> Counter[str]:
    """How many have each outcome."""
    mine = select(Case.outcome, func.count()).where(Case.errand_id == errand_id)
    rows = db.session.execute(mine.group_by(Case.outcome))
    return Counter({outcome: int(number) for outcome, number in rows})


def reasons(errand_id: int) -> list[tuple[str, int]]:
    """Why it was not done to some, or will not be, and to how many each: most first."""
    return _told(errand_id, Case.outcome != "done")


def remarks(errand_id: int) -> list[tuple[str, int]]:
    """What was done where not the same was done to all, and to how many each: most first."""
    return _told(errand_id, Case.outcome == "done")


def _told(errand_id: int, which: Any) -> list[tuple[str, int]]:
    number = func.count()
    mine = select(Case.sentence, number).where(Case.errand_id == errand_id, which)
    told = mine.where(Case.sentence.is_not(None)).group_by(Case.sentence)
    rows = db.session.execute(told.order_by(number.desc(), Case.sentence))
    return [(str(sentence), int(many)) for sentence, many in rows]


def listed(errand_id: int, outcome: str, after: int, limit: int) -> Sequence[Case]:
    """Some of them in their order: all, or those with this outcome, after the one with this id.

    While they wait, `will` and `cannot` are those to whom it will be done and the others.
    """
    mine = select(Case).where(Case.errand_id == errand_id, Case.id > after)
    if outcome:
        foreseen = {"will": Case.sentence.is_(None), "cannot": Case.sentence.is_not(None)}
        mine = mine.where(foreseen.get(outcome, Case.outcome == outcome))
    known = selectinload(Case.membership).selectinload(Membership.account)
    mine = mine.options(known, selectinload(Case.invitation))
    return db.session.scalars(mine.order_by(Case.id).limit(limit)).all()
