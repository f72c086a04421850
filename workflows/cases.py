"""Cases: the people of an errand, one row each, and what became of them.

What would surprise a reader: no name is written down. Where a rule's sentence has one, {name}
stands in the row, so that all who are alike have the same sentence and are counted together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from workflows.deeds import Subject
from workflows.engine.db import Base, db
from workflows.invitations import Invitation
from workflows.memberships import Membership

OUTCOMES = ("waiting", "done", "refused")


class Case(Base):
    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("(membership_id IS NULL) <> (invitation_id IS NULL)", name="one_subject"),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("outcome <> 'refused' OR sentence IS NOT NULL", name="refused_with_reason"),
        Index(None, "errand_id", "outcome", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    errand_id: Mapped[int] = mapped_column(ForeignKey("errands.id"))
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"))
    outcome: Mapped[str]  # one of OUTCOMES
    sentence: Mapped[str | None]  # why it was refused; while waiting, why it will be

    membership: Mapped[Membership | None] = relationship()
    invitation: Mapped[Invitation | None] = relationship()

    @property
    def subject(self) -> Subject:
        return self.membership_id, self.invitation_id

    @property
    def why(self) -> str:
        """The sentence, with the name that the person has today."""
        name = self.membership.account.name if self.membership else ""
        return (self.sentence or "").replace("{name}", name)


def begin(errand_id: int, foreseen: Iterable[tuple[Subject, str | None]]) -> None:
    """Write down who is concerned, in this order, and why it will not be done to some."""
    rows = [
        {"errand_id": errand_id, "membership_id": member, "invitation_id": asked,
         "outcome": "waiting", "sentence": sentence}
        for (member, asked), sentence in foreseen
    ]  # fmt: skip
    db.session.execute(insert(Case), rows)


def waiting(errand_id: int, limit: int) -> Sequence[Case]:
    """The next of those to whom nothing was done yet."""
    mine = select(Case).filter_by(errand_id=errand_id, outcome="waiting")
    return db.session.scalars(mine.order_by(Case.id).limit(limit)).all()


def settle(cases: Iterable[Case], refused: Mapping[Subject, str]) -> None:
    """Write down the outcome of each of these."""
    outcomes: dict[str | None, list[int]] = {}
    for case in cases:
        outcomes.setdefault(refused.get(case.subject), []).append(case.id)
    for sentence, ids in outcomes.items():
        ended = {"outcome": "refused" if sentence else "done", "sentence": sentence}
        db.session.execute(update(Case).where(Case.id.in_(ids)).values(**ended))


def forget(errand_id: int) -> None:
    db.session.execute(delete(Case).where(Case.errand_id == errand_id))


def left(errand_id: int) -> list[Subject]:
    """Those to whom it was not done, whatever the reason."""
    mine = select(Case.membership_id, Case.invitation_id).where(Case.errand_id == errand_id)
    rows = db.session.execute(mine.where(Case.outcome != "done").order_by(Case.id))
    return [(member, asked) for member, asked in rows]


def counts(errand_id: int) -> Counter[str]:
    """How many have each outcome."""
    mine = select(Case.outcome, func.count()).where(Case.errand_id == errand_id)
    rows = db.session.execute(mine.group_by(Case.outcome))
    return Counter({outcome: int(number) for outcome, number in rows})


def reasons(errand_id: int) -> list[tuple[str, int]]:
    """Why it was not done to some, or will not be, and to how many each: most first."""
    number = func.count()
    mine = select(Case.sentence, number).where(Case.errand_id == errand_id)
    told = mine.where(Case.sentence.is_not(None)).group_by(Case.sentence)
    rows = db.session.execute(told.order_by(number.desc(), Case.sentence))
    return [(str(sentence), int(many)) for sentence, many in rows]


def listed(errand_id: int, outcome: str, after: int, limit: int) -> Sequence[Case]:
    """Some of them in their order: all, or those with this outcome, after the one with this id."""
    mine = select(Case).where(Case.errand_id == errand_id, Case.id > after)
    if outcome:
        mine = mine.where(Case.outcome == outcome)
    known = selectinload(Case.membership).selectinload(Membership.account)
    mine = mine.options(known, selectinload(Case.invitation))
    return db.session.scalars(mine.order_by(Case.id).limit(limit)).all()
