"""Errands: one deed done to many people, some at a time, with an outcome for each.

    planned ── begin ─▶ running ── finish ─▶ done
       └────── drop ─▶ dropped └── stop ───▶ stopped     by an admin, or who began it is none now

The row is the truth: whoever sees a running errand does its next few, in one transaction with
their outcomes, so that nothing is done twice and a killed process is missed by nobody. An errand
is held before its people, since nobody who holds a person waits for an errand. A try is counted before
it is made: what fails again and again, or kills its process, is given up, and the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import cases, deeds, guest_lists
from workflows.accounts import Account
from workflows.cases import Foreseen, Waiting
from workflows.deeds import DEEDS, Deed, Subject
from workflows.engine import history
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.history import Action
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, why_not
from workflows.guest_lists import Entry, Listed
from workflows.memberships import require_admin
from workflows.organizations import Organization

TOGETHER = 500  # people in one transaction
ROWS = 2000  # of a list, which cost less each
MOST = 100_000
INVITE = "invite"  # the deed whose cases are the rows of a list, not people
TRIES, FIRST_WAIT = 5, timedelta(seconds=10)
GAVE_UP = "Usher failed at this several times and gave up. Why is in the log of this site."
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
    deed: Mapped[str]  # one of DEEDS, or INVITE
    number: Mapped[int]  # of people
    digest: Mapped[str]  # of whom it is about, to tell the same click twice
    why: Mapped[str | None]  # it was stopped
    tries: Mapped[int] = mapped_column(default=0, server_default="0")  # of the next few, in vain
    due_at: Mapped[datetime | None]  # not to be tried before

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
    whom = deeds.of_organization(organization, list(dict.fromkeys(subjects)))
    if not whom:
        raise Invalid(who="Choose at least one person.")
    if len(whom) > MOST:
        raise Invalid(who=f"{len(whom)} people; choose at most {MOST} at once.")
    foreseen = _foresee(organization, DEEDS[deed], whom, by)
    told = [Foreseen(*one, sentence=foreseen.get(one)) for one in whom]
    return plan(organization, deed, told, by=by)


def prepare_list(organization: Organization, listed: Listed, *, by: Account) -> Errand:
    """Find out what inviting this list would do, row by row. Nothing is sent yet."""
    return plan(organization, INVITE, _look_over(organization, listed, by), by=by)


def _look_over(organization: Organization, listed: Listed, by: Account) -> list[Foreseen]:
    judged = guest_lists.look_over(organization, listed, by=by)
    return [
        Foreseen(written=one.address, place=one.place, sentence=one.why_not) for one in judged
    ]


@command
def invite(organization: Organization, listed: Listed, *, by: Account) -> Errand:
    """Invite the few of this list at once, and write down the answer of each."""
    history.called(guest_lists.COMMAND)
    errand = plan(organization, INVITE, _look_over(organization, listed, by), by=by)
    if errand.state == "planned":
        begin(errand, by=by)
    return errand


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
    foreseen: Sequence[Foreseen],
    *,
    by: Account,
) -> Errand:
    """Write down who is concerned and what was foreseen of each; the same click again is one."""
    lock(require_admin(by, organization))
    whom = [one[:4] for one in foreseen]
    digest = hashlib.sha256(repr((deed, whom)).encode()).hexdigest()
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
    history.called(_command(errand))
    action = history.note(errand.organization_id, by=by)
    db.session.flush()
    errand.fire("begin", by=by, by_id=by.id, action_id=action.id)
    if errand.number <= TOGETHER:
        _do_some(errand)


def _command(errand: Errand) -> str:
    """Under which name it is written down."""
    return guest_lists.COMMAND if errand.deed == INVITE else DEEDS[errand.deed].command


def go_on() -> bool:
    """Do the next few of an errand that is under way; answers whether there was one."""
    errand_id = _take_up()
    if errand_id is not None:
        _go_on(errand_id)
    return errand_id is not None


@command
def _take_up() -> int | None:
    """Count a try at an errand that is under way; after too many in vain, leave its next few out.

    The second try follows at once, each later one after a longer wait.
    """
    running = select(Errand).where(text("errands.state = 'running'"))
    due = running.where(or_(Errand.due_at.is_(None), Errand.due_at <= now()))
    errand = db.session.scalar(_any_one(due))
    if errand is None:
        return None
    if errand.tries >= TRIES:
        _give_up(errand)
    errand.tries += 1
    wait = FIRST_WAIT * 2 ** (errand.tries - 2) if errand.tries > 1 else timedelta()
    errand.due_at = now() + wait
    return errand.id


def _any_one(which: Any) -> Any:
    """One of these that nobody else holds; any, so that none is always the last."""
    return which.order_by(func.random()).limit(1).with_for_update(skip_locked=True, key_share=True)


def _give_up(errand: Errand) -> None:
    """Write down that the next few could not be done, so that the others can be."""
    ids = [case.id for case in cases.waiting(errand.id, _together(errand))]
    cases.settle(ids, dict.fromkeys(ids, GAVE_UP))
    errand.tries = 0


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
    some = cases.waiting(errand.id, _together(errand))
    refused = _invite(errand, some) if errand.deed == INVITE else _do(errand, some)
    cases.settle([case.id for case in some], refused)
    if not cases.waiting(errand.id, 1):
        errand.fire("finish", by=errand.by)


def _together(errand: Errand) -> int:
    return ROWS if errand.deed == INVITE else TOGETHER


def _do(errand: Errand, some: Sequence[Waiting]) -> dict[int, str]:
    """Do the deed to these people; answers why not to some, by their cases."""
    whom = [case.about.subject for case in some]
    refused = deeds.do(DEEDS[errand.deed], errand.organization, whom, by=errand.by)
    return {case.id: no for case in some if (no := refused.get(case.about.subject))}


def _invite(errand: Errand, some: Sequence[Waiting]) -> dict[int, str]:
    """Invite these rows of a list; why not some, by their cases."""
    final = {case.id: no for case in some if guest_lists.is_final(no := case.about.sentence)}
    others = [case for case in some if case.id not in final]
    listed = [Entry(case.about.place or 0, case.about.written or "") for case in others]
    outcomes = guest_lists.invite(errand.organization, listed, by=errand.by) if others else []
    answers = zip(others, outcomes, strict=True)
    return final | {case.id: one.why_not for case, one in answers if one.why_not}


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
    if errand.deed == INVITE:
        return prepare_list(errand.organization, not_invited(errand), by=by)
    whom = [one.subject for one in cases.left(errand.id)]
    return prepare(errand.organization, errand.deed, whom, by=by)


def not_invited(errand: Errand) -> list[Entry]:
    """The rows of a list that did not go and that it is worth to mend or to send again."""
    return [
        Entry(one.place or 0, one.written or "")
        for one in cases.left(errand.id)
        if guest_lists.is_worth_another_try(one.sentence)
    ]


def of_organization(
    organization: Organization, before: int | None = None, limit: int = 50
) -> Sequence[Errand]:
    """The errands of an organization that were begun, newest first."""
    mine = select(Errand).filter_by(organization=organization).where(Errand.action_id.is_not(None))
    if before is not None:
        mine = mine.where(Errand.id < before)
    return db.session.scalars(mine.order_by(Errand.id.desc()).limit(limit)).all()
