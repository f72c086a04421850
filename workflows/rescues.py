"""Rescues: an operator lets a remedy happen to what is stuck, and Usher looks whether it helped.

    waiting ── it is done ─▶ verifying ── it has moved ───▶ moved
       └────── not possible ▶ refused └── stuck once more ▶ relapsed

What would surprise a reader: that a command went through is not success. A letter has moved when a
mail server took it, any other row when it is not listed any more. Of many the clock does some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import ailments, operators, stuck
from workflows.accounts import Account
from workflows.ailments import Ailment, Remedy
from workflows.engine import sets
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.letters import Letter
from workflows.engine.refusals import NotFound, NotNow, why_not, why_not_each

MOST, TOGETHER, MANY = 10_000, 100, 1000  # rows of a rescue, of a step, of a look at them
OUTCOMES = ("waiting", "verifying", "moved", "relapsed", "refused")
GONE = "It is not there any more."
IN_TIME, KEEP = timedelta(minutes=10), timedelta(hours=1)  # to have helped; to be shown


class Rescue(Base):
    __tablename__ = "rescues"
    __table_args__ = (index_of_few("open_rescues", "id", which="over_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ailment: Mapped[str]
    cause: Mapped[str | None]  # None: rows that were chosen, whatever their cause
    remedy: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    why: Mapped[str]
    at: Mapped[datetime]
    number: Mapped[int]
    over_at: Mapped[datetime | None]  # every row has moved, relapsed or was refused

    by: Mapped[Account] = relationship()


class Rescued(Base):
    """One row of a rescue, and what became of it."""

    __tablename__ = "rescued"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        Index(None, "rescue_id", "outcome", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rescue_id: Mapped[int] = mapped_column(ForeignKey("rescues.id"))
    row_id: Mapped[int]
    outcome: Mapped[str]  # one of OUTCOMES
    sentence: Mapped[str | None]  # why it was refused
    at: Mapped[datetime | None]  # when it was done


def known(ailment: str, remedy: str) -> tuple[Ailment, Remedy]:
    """This remedy of this ailment; there is none elsewhere."""
    ill = stuck.ailment(ailment)
    if ill is None or (helps := ill.remedy(remedy)) is None:
        raise NotFound("There is no such thing to do about it.")
    return ill, helps


def foresee(helps: Remedy, row_ids: Sequence[int]) -> dict[int, str]:
    """Why the remedy would be refused to some of these. Nothing is done."""
    rows = db.session.scalars(select(helps.row).where(sets.among(helps.row.id, row_ids))).all()
    gone = dict.fromkeys(set(row_ids) - {row.id for row in rows}, GONE)
    return gone | why_not_each(helps.may, rows)


def choose(ill: Ailment, cause: str | None, chosen: Sequence[int], until: datetime) -> list[int]:
    """The rows that are meant: those chosen, or all of the cause, as far as they are still so."""
    if cause is None:
        still = ailments.those_of(ill, chosen[:MOST])
        return [one for one in dict.fromkeys(chosen) if one in still]
    return ailments.ids(ill, cause, until, MOST)


def begin(
    ailment: str, remedy: str, row_ids: Sequence[int], cause: str | None, *, by: Account, why: str
) -> Rescue:
    """Do it to these rows: to a few at once, to the others by and by."""
    rescue = plan(ailment, remedy, row_ids, cause, by=by, why=why)
    if rescue.number <= TOGETHER:
        step(rescue)
        verify(rescue)
    return rescue


@command
def plan(
    ailment: str, remedy: str, row_ids: Sequence[int], cause: str | None, *, by: Account, why: str
) -> Rescue:
    """Write down what is to be done to which rows; to whom it is being done already, it is not."""
    operators.require_acting(by)
    why = operators.reason(why)
    ill, _ = known(ailment, remedy)
    lock(by)  # the second of two clicks finds what the first has begun
    still, under_way = ailments.those_of(ill, row_ids), _under_way(ailment, remedy)
    good = [one for one in row_ids if one in still and one not in under_way]
    if not good:
        raise NotNow("None of these is stuck any more, or it is being done. Nothing more was.")
    rescue = Rescue(
        ailment=ill.name, cause=cause, remedy=remedy, by_id=by.id, why=why, at=now(),
        number=len(good),
    )  # fmt: skip
    db.session.add(rescue)
    db.session.flush()
    sets.add(Rescued, {"row_id": good}, rescue_id=rescue.id, outcome="waiting")
    return rescue


def _under_way(ailment: str, remedy: str) -> set[int]:
    """The rows to which this is being done, or was and has not shown yet whether it helped."""
    rows = select(Rescued.row_id).join(Rescue, Rescue.id == Rescued.rescue_id)
    rows = rows.where(Rescue.over_at.is_(None), Rescue.ailment == ailment, Rescue.remedy == remedy)
    return set(db.session.scalars(rows.where(Rescued.outcome.in_(["waiting", "verifying"]))))


def step(rescue: Rescue) -> bool:
    """Do it to the next few rows; answers whether there were any."""
    _, helps = known(rescue.ailment, rescue.remedy)
    waiting = select(Rescued.id).filter_by(rescue_id=rescue.id, outcome="waiting")
    some = db.session.scalars(waiting.order_by(Rescued.id).limit(TOGETHER)).all()
    for ids in [some] if helps.sets and some else [[one] for one in some]:
        if no := why_not(_do, rescue.id, ids):
            _refuse(ids, no)
    return bool(some)


@command
def _do(rescue_id: int, ids: Sequence[int]) -> None:
    """The remedy and its outcomes in one transaction, unless another clock was here before."""
    rescue = db.session.get_one(Rescue, rescue_id)
    _, helps = known(rescue.ailment, rescue.remedy)
    act = partial(operators.act, helps.do, by=rescue.by, why=rescue.why)
    rows, refused, moment = _held(ids), dict[int, str](), now()
    if not rows:
        return
    if helps.sets:
        refused = act([row.row_id for row in rows])
    elif row := db.session.get(helps.row, rows[0].row_id):
        act(row)
    else:
        refused = {rows[0].row_id: GONE}
    for one in rows:
        one.sentence, one.at = refused.get(one.row_id), moment
        one.outcome = "refused" if one.sentence else "verifying"


@command
def _refuse(ids: Sequence[int], sentence: str) -> None:
    for row in _held(ids):
        row.outcome, row.sentence, row.at = "refused", sentence, now()


def _held(ids: Sequence[int]) -> Sequence[Rescued]:
    waiting = select(Rescued).where(Rescued.id.in_(ids), Rescued.outcome == "waiting")
    return db.session.scalars(waiting.order_by(Rescued.id).with_for_update(skip_locked=True)).all()


def go_on() -> bool:
    """The next step of each rescue that is not over; answers whether one of them did anything."""
    return sum(step(rescue) for rescue in _unfinished()) > 0  # each has its turn


def _unfinished() -> Sequence[Rescue]:
    mine = Rescue.over_at.is_(None), Rescue.ailment.in_(stuck.BY_NAME)  # not another version's
    return db.session.scalars(select(Rescue).where(*mine).order_by(Rescue.id)).all()


def verify_all() -> None:
    """Look of each rescue that is not over which of its rows have really moved."""
    for rescue in _unfinished():
        verify(rescue)


@command
def verify(rescue: Rescue) -> None:
    """Look which rows have really moved, and which are stuck once more."""
    ill, _ = known(rescue.ailment, rescue.remedy)
    checked = select(Rescued).filter_by(rescue_id=rescue.id, outcome="verifying")
    some = db.session.scalars(checked.order_by(Rescued.at, Rescued.id).limit(MANY)).all()
    verdicts = _verdicts(ill, some)
    for row in some:
        late = row.at is not None and row.at < now() - IN_TIME
        row.outcome = verdicts.get(row.row_id) or ("relapsed" if late else "verifying")
    db.session.flush()
    if not counts(rescue.id).keys() & {"waiting", "verifying"}:
        db.session.get_one(Rescue, rescue.id).over_at = now()


def _verdicts(ill: Ailment, rows: Sequence[Rescued]) -> dict[int, str]:
    """Of which of these it is known by now, and what."""
    ids = [row.row_id for row in rows]
    if ill.kind == "letters":
        letters = db.session.scalars(select(Letter).where(Letter.id.in_(ids))).all()
        return {letter.id: verdict for letter in letters if (verdict := _verdict(letter))}
    still = ailments.undecided(ill, ids)
    moved = [row for row in rows if row.row_id not in still or _anew(row, still[row.row_id])]
    return {row.row_id: "moved" for row in moved}


def _anew(row: Rescued, since: datetime) -> bool:
    """Whether it waits since the remedy, and not since before: it is their turn once more."""
    return row.at is not None and since >= row.at


def _verdict(letter: Letter) -> str | None:
    """A letter that was put off has been tried, and has not left."""
    if letter.state in ("sent", "moot"):
        return "moved"
    put_off = letter.state == "pending" and letter.due_at > now()
    return "relapsed" if letter.state in ("bounced", "dead") or put_off else None


def counts(rescue_id: int) -> Counter[str]:
    """How many rows have each outcome."""
    mine = select(Rescued.outcome, func.count()).where(Rescued.rescue_id == rescue_id)
    found = db.session.execute(mine.group_by(Rescued.outcome))
    return Counter({outcome: int(number) for outcome, number in found})


def lately() -> list[tuple[Rescue, Counter[str]]]:
    """The rescues that are not over, or have not been for long, the newest first."""
    recent = or_(Rescue.over_at.is_(None), Rescue.over_at > now() - KEEP)
    shown = select(Rescue).where(recent, Rescue.ailment.in_(stuck.BY_NAME))
    newest = db.session.scalars(shown.order_by(Rescue.id.desc()).limit(20)).all()
    return [(rescue, counts(rescue.id)) for rescue in newest]


def reasons(rescue_id: int) -> list[tuple[str, int]]:
    """Why it was refused to some, and to how many each."""
    number = func.count()
    mine = select(Rescued.sentence, number).where(Rescued.rescue_id == rescue_id)
    told = mine.where(Rescued.sentence.is_not(None)).group_by(Rescued.sentence)
    rows = db.session.execute(told.order_by(number.desc()).limit(20))
    return [(str(sentence), int(many)) for sentence, many in rows]
