"""Errands: one deed done to many people, some at a time, with an outcome for each.

    planned ── begin ─▶ running ── finish ─▶ done
       └────── drop ─▶ dropped └── stop ───▶ stopped     by an admin, or who began it is none now

The row is the truth: whoever sees a running errand does its next few, in one transaction with
their outcomes, so that nothing is done twice and a killed process is missed by nobody. An errand
is held before its people, since nobody who holds a person waits for an errand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import cases, deeds
from workflows.accounts import Account
from workflows.deeds import DEEDS, Deed, Subject
from workflows.engine import history
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.history import Action
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, why_not
from workflows.memberships import require_admin
from workflows.organizations import Organization

TOGETHER = 500  # people in one transaction
MOST = 100_000
UNKNOWN = "Somebody chosen is not among your people. Nothing was done: choose again."
SAME_CLICK = timedelta(seconds=10)
KEEP_PLANS = timedelta(days=1)


class ErrandMachine(Machine):
    planned = State(initial=True)
    running = State()
    done = State(final=True)
    stopped = State(final=True)
    dropped = State(final=True)

    begin = planned.to(running)
    finish = running.to(done)
    stop = running.to(stopped)
    drop = planned.to(dropped)


class Errand(Stateful, Base):
    __tablename__ = "errands"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index("running_errands", "id", postgresql_where=text("state = 'running'"),
              sqlite_where=text("state = 'running'")),
        Index("planned_errands", "since", postgresql_where=text("state = 'planned'"),
              sqlite_where=text("state = 'planned'")),
        CheckConstraint("state <> 'running' OR action_id IS NOT NULL", name="begun_by_somebody"),
    )  # fmt: skip
    machine = ErrandMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))  # in whose name it is done
    action_id: Mapped[int | None] = mapped_column(ForeignKey("actions.id"))
    deed: Mapped[str]  # one of DEEDS
    number: Mapped[int]  # of people
    digest: Mapped[str]  # of whom it is about, to tell the same click twice
    why: Mapped[str | None]  # it was stopped

    organization: Mapped[Organization] = relationship()
    by: Mapped[Account] = relationship()
    action: Mapped[Action | None] = relationship()

    def no_arrow(self, event: str) -> str:
        was = {"running": "is under way already", "planned": "has not begun", "done": "is done"}
        return f"This {was.get(self.state, f'was {self.state}')}."


def prepare(
    organization: Organization, deed: str, subjects: Sequence[Subject], *, by: Account
) -> Errand:
    """Find out what this deed would do to these people, in their order. Nothing is done yet.

    What takes long is read before anything is written, so that nobody waits for it.
    """
    require_admin(by, organization)
    if deed not in DEEDS:
        raise Invalid(deed="Choose what to do.")
    asked = list(dict.fromkeys(subjects))
    if not asked:
        raise Invalid(who="Choose at least one person.")
    whom = deeds.of_organization(organization, asked)
    if len(whom) < len(asked):
        raise Invalid(who=UNKNOWN)
    if len(whom) > MOST:
        raise Invalid(who=f"{len(whom)} people; choose at most {MOST} at once.")
    foreseen = _foresee(organization, DEEDS[deed], whom, by)
    return plan(organization, deed, [(one, foreseen.get(one)) for one in whom], by=by)


def _foresee(
    organization: Organization, deed: Deed, whom: Sequence[Subject], by: Account
) -> dict[Subject, str]:
    refused: dict[Subject, str] = {}
    for start in range(0, len(whom), TOGETHER):
        some = whom[start : start + TOGETHER]
        refused |= deeds.foresee(deed, organization, some, start - len(refused), by=by)
    return refused


@command
def plan(
    organization: Organization,
    deed: str,
    foreseen: Sequence[tuple[Subject, str | None]],
    *,
    by: Account,
) -> Errand:
    """Write down who is concerned and what was foreseen of each; the same click again is one."""
    lock(require_admin(by, organization))
    digest = hashlib.sha256(repr((deed, [one for one, _ in foreseen])).encode()).hexdigest()
    if known := _same_click(organization, digest, by):
        return known
    errand = Errand.begin(
        organization=organization, deed=deed, number=len(foreseen), digest=digest,
        by_id=by.id, by=by,
    )  # fmt: skip
    cases.begin(errand.id, foreseen)
    return errand


def _same_click(organization: Organization, digest: str, by: Account) -> Errand | None:
    mine = select(Errand).filter_by(organization=organization, by_id=by.id, state="planned")
    lately = mine.where(Errand.digest == digest, Errand.since > now() - SAME_CLICK)
    return db.session.scalar(lately.limit(1))


@command
def begin(errand: Errand, *, by: Account) -> None:
    """Do it, in the name of whoever begins it: a small errand at once, a large one by and by."""
    lock(errand)
    require_admin(by, errand.organization)
    errand.rehearse("begin", by=by)
    history.called(DEEDS[errand.deed].command)
    action = history.note(errand.organization_id, by=by)
    db.session.flush()
    errand.fire("begin", by=by, by_id=by.id, action_id=action.id)
    if errand.number <= TOGETHER:
        _do_some(errand)


@command
def go_on() -> bool:
    """Do the next few of an errand that is under way; answers whether there was one."""
    running = select(Errand).where(text("errands.state = 'running'")).order_by(func.random())
    errand = db.session.scalar(running.limit(1).with_for_update(skip_locked=True, key_share=True))
    if errand is None:
        return False
    _do_some(errand)
    return True


def _do_some(errand: Errand) -> None:
    """The next few people of the errand, each with an outcome; then it may be finished."""
    if no := why_not(require_admin, errand.by, errand.organization):
        why = f"{errand.by.name} began this and may not go on: {no[0].lower()}{no[1:]}"
        errand.fire("stop", by=None, why=why)
        return
    assert errand.action
    history.go_on(errand.action)
    some = cases.waiting(errand.id, TOGETHER)
    whom = [case.subject for case in some]
    refused = deeds.do(DEEDS[errand.deed], errand.organization, whom, by=errand.by)
    cases.settle(some, refused)
    if not cases.waiting(errand.id, 1):
        errand.fire("finish", by=errand.by)


@command
def stop(errand: Errand, *, by: Account) -> None:
    """Do no more of it; what is done stays done."""
    lock(errand)
    require_admin(by, errand.organization)
    errand.fire("stop", by=by, why=f"{by.name} stopped it.")


@command
def drop_old_plans() -> None:
    """Forget what was planned and never begun, some at a time."""
    old = select(Errand).where(text("errands.state = 'planned'"), Errand.since < now() - KEEP_PLANS)
    for errand in db.session.scalars(old.limit(10).with_for_update(skip_locked=True)).all():
        cases.forget(errand.id)
        errand.fire("drop", by=None)


def again(errand: Errand, *, by: Account) -> Errand:
    """Prepare the same deed for those to whom it was not done."""
    return prepare(errand.organization, errand.deed, cases.left(errand.id), by=by)


def of_organization(
    organization: Organization, before: int | None = None, limit: int = 50
) -> Sequence[Errand]:
    """The errands of an organization that were begun, newest first."""
    mine = select(Errand).filter_by(organization=organization).where(Errand.action_id.is_not(None))
    if before is not None:
        mine = mine.where(Errand.id < before)
    return db.session.scalars(mine.order_by(Errand.id.desc()).limit(limit)).all()
