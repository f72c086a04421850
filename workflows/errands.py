"""Errands: one deed done to many people, some at a time, with an outcome for each.

    planned ── begin ─▶ running ── finish ─▶ done
       └────── drop ─▶ dropped │ ◀ take_up ──┘           by an operator, see `leftovers`
                               └── stop ───▶ stopped     by an admin, or who began it is none now

The row is the truth: whoever sees a running errand does its next few, in one transaction with
their outcomes, so that nothing is done twice and a killed process is missed by nobody. An errand
is held before its people, since nobody who holds a person waits for an errand. A try is counted
before it is made: what fails again and again, or kills its process, is given up, not the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import cases, deeds, portions
from workflows.accounts import Account
from workflows.cases import Foreseen
from workflows.deeds import DEEDS
from workflows.drawings import Subject
from workflows.engine import history
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.history import Action
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, why_not
from workflows.memberships import require_admin
from workflows.organizations import Organization
from workflows.portions import LISTS

AT_ONCE, MOST = 500, 100_000  # people: while whoever began it waits, and at most
# People, rows of a list in one transaction: others wait for it as for 6 and 15 single commands.
TOGETHER, ROWS = 2000, 4000
WAITS = (0, 10, 20, 40, 80)  # seconds after each try that fails; then it is given up
SAME_CLICK, KEEP_PLANS = timedelta(seconds=10), timedelta(days=1)
UNKNOWN = "Somebody chosen is not among your people. Nothing was done: choose again."


class ErrandMachine(Machine):
    planned = State(initial=True)
    running = State()
    done = State()
    stopped = State(final=True)
    dropped = State(final=True)

    begin = planned.to(running)
    finish = running.to(done)
    stop = running.to(stopped)
    drop = planned.to(dropped)
    take_up = done.to(running)


class Errand(Stateful, Base):
    __tablename__ = "errands"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        index_of_few("running_errands", "id", which="state = 'running'"),
        index_of_few("planned_errands", "since", which="state = 'planned'"),
        CheckConstraint("state <> 'running' OR action_id IS NOT NULL", name="begun_by_somebody"),
    )  # fmt: skip
    machine = ErrandMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))  # in whose name it is done
    action_id: Mapped[int | None] = mapped_column(ForeignKey("actions.id"))
    deed: Mapped[str]  # one of DEEDS, or of LISTS
    number: Mapped[int]  # of people
    digest: Mapped[str]  # of whom it is about, to tell the same click twice
    why: Mapped[str | None]  # it was stopped
    tries: Mapped[int] = mapped_column(default=0, server_default="0")  # of the next few, in vain
    due_at: Mapped[datetime | None]  # not to be tried before

    organization: Mapped[Organization] = relationship()
    by: Mapped[Account] = relationship()
    action: Mapped[Action | None] = relationship()

    @property
    def together(self) -> int:
        return ROWS if self.deed in LISTS else TOGETHER

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
        raise Invalid(who=f"{len(whom):,} people; choose at most {MOST:,} at once.")
    foreseen = portions.foresee(deed, organization, whom, TOGETHER, by=by)
    told = [Foreseen(*one, sentence=foreseen.get(one)) for one in whom]
    return plan(organization, deed, told, by=by)


@command
def plan(
    organization: Organization,
    deed: str,
    foreseen: Sequence[Foreseen],
    *,
    by: Account,
) -> Errand:
    """Write down who is concerned and what was foreseen of each; the same click again is one."""
    lock(require_admin(by, organization))
    digest = hashlib.sha256(repr((deed, [one[:4] for one in foreseen])).encode()).hexdigest()
    if known := _same_click(organization, digest, by):
        return known
    errand = Errand.begin(
        organization=organization, deed=deed, number=len(foreseen), digest=digest,
        by_id=by.id, by=by,
    )  # fmt: skip
    cases.begin(errand.id, foreseen)
    return errand


def _same_click(organization: Organization, digest: str, by: Account) -> Errand | None:
    mine = select(Errand).filter_by(organization=organization, by_id=by.id, digest=digest)
    newest = select(func.max(Action.id)).filter_by(organization_id=organization.id)
    same = or_(Errand.state == "planned", Errand.action_id == newest.scalar_subquery())
    lately = mine.where(same, Errand.since > now() - SAME_CLICK)
    return db.session.scalar(lately.limit(1))


@command
def begin(errand: Errand, *, by: Account) -> None:
    """Do it, in the name of whoever begins it: a small errand at once, a large one by and by."""
    lock(errand)
    require_admin(by, errand.organization)
    errand.rehearse("begin", by=by)
    history.called(portions.command(errand.deed))
    action = history.note(errand.organization_id, by=by)
    db.session.flush()
    errand.fire("begin", by=by, by_id=by.id, action_id=action.id)
    if errand.number <= min(AT_ONCE, TOGETHER):
        _do_some(errand)


def go_on() -> bool:
    """Do the next few of an errand that is under way; answers whether there was one."""
    if errand_id := _take_up():
        _go_on(errand_id)
    return bool(errand_id)


@command
def _take_up() -> int | None:
    """Count a try at an errand that is under way; after too many, leave its next few out."""
    running = select(Errand).where(text("errands.state = 'running'"))
    due = running.where(or_(Errand.due_at.is_(None), Errand.due_at <= now()))
    errand: Errand | None = db.session.scalar(_any_one(due))
    if errand is None:
        return None
    if errand.tries == len(WAITS):
        cases.give_up(errand.id, errand.together)  # so that the others can be done
        errand.tries = 0
    errand.due_at = now() + timedelta(seconds=WAITS[errand.tries])
    errand.tries += 1
    return errand.id


def _any_one(which: Any) -> Any:
    """One of these that nobody else holds; any, so that none is always the last."""
    return which.order_by(func.random()).limit(1).with_for_update(skip_locked=True, key_share=True)


@command
def _go_on(errand_id: int) -> None:
    history.called("errands.go_on")
    mine = select(Errand).where(Errand.id == errand_id, text("errands.state = 'running'"))
    if errand := db.session.scalar(_any_one(mine)):
        _do_some(errand)
        errand.tries, errand.due_at = 0, None


def _do_some(errand: Errand) -> None:
    """The next few people of the errand, each with an outcome; then it may be finished."""
    if no := why_not(require_admin, errand.by, errand.organization):
        why = f"{errand.by.name} began this and may not go on: {no[0].lower()}{no[1:]}"
        errand.fire("stop", by=None, why=why)
        return
    assert errand.action
    history.go_on(errand.action)
    some = cases.waiting(errand.id, errand.together)
    refused = portions.do(errand.deed, errand.organization, some, by=errand.by)
    became = portions.became(errand.deed, errand.organization, some, refused)
    cases.settle([case.id for case in some], refused, became)
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
    whom = [one.subject for one in cases.left(errand.id)]
    return prepare(errand.organization, errand.deed, whom, by=by)


def of_organization(
    organization: Organization, before: int | None = None, limit: int = 50
) -> Sequence[Errand]:
    """The errands of an organization that were begun, newest first."""
    mine = select(Errand).filter_by(organization=organization).where(Errand.action_id.is_not(None))
    mine = mine if before is None else mine.where(Errand.id < before)
    return db.session.scalars(mine.order_by(Errand.id.desc()).limit(limit)).all()
