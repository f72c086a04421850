"""Set-ups: what is left to do in an organization that was just formed.

What would surprise a reader: nobody ticks a step off. Whether it is done is seen from what is
there; written down is only that somebody put it off.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from workflows import billing_contacts, directories, seats
from workflows.accounts import Account
from workflows.directories import Search
from workflows.engine import history
from workflows.engine.db import Base, command, db, lock
from workflows.engine.refusals import Invalid
from workflows.memberships import require_admin
from workflows.organizations import Organization

STEPS = {  # in their order: the deed, as a button or a link would say it
    "invite": "Send the first invitations", "buy": "Buy seats", "assign": "Give people seats",
    "contact": "Add a billing contact", "logo": "Add a logo",
}  # fmt: skip


class SkippedStep(Base):
    __tablename__ = "skipped_steps"
    __table_args__ = (
        CheckConstraint(f"step IN ({', '.join(map(repr, STEPS))})", name="step_known"),
    )

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)


@dataclass(frozen=True)
class Step:
    """One step: done as soon as what it is about is there, skipped while somebody put it off."""

    name: str
    words: str
    done: bool
    skipped: bool

    @property
    def left(self) -> bool:
        return not self.done and not self.skipped


@command
def skip(organization: Organization, step: str, *, by: Account) -> None:
    """Leave a step for later: nobody is asked for it any more."""
    lock(organization)
    require_admin(by, organization)
    if step not in STEPS:
        raise Invalid(step="There is no such step.")
    if step in _skipped(organization):
        return
    history.because(STEPS[step])
    db.session.add(SkippedStep(organization_id=organization.id, step=step))
    history.note(organization.id, by=by)


def of(organization: Organization) -> list[Step]:
    """Every step in its order, with what became of it."""
    count, skipped = seats.count(organization), _skipped(organization)
    people = sum(directories.by_turn(organization, Search()).values())
    done = {
        "invite": people > 1, "buy": count.bought > 0, "assign": count.used > 0,
        "contact": billing_contacts.of(organization) is not None,
        "logo": organization.logo is not None,
    }  # fmt: skip
    return [Step(name, words, done[name], name in skipped) for name, words in STEPS.items()]


def _skipped(organization: Organization) -> set[str]:
    steps = select(SkippedStep.step).filter_by(organization_id=organization.id)
    return set(db.session.scalars(steps))
