"""Alarms: what is stuck for ten minutes is told to the operators once, and again when it is over.

    raised ── end ─▶ over

What would surprise a reader: an alarm is about a way to be stuck, not about rows. While one is
raised nothing more is told of it, however many rows join. What an operator said they know of
raises none, and ends none. And an alarm about letters is told by a letter too, which may be what
cannot leave: hence the webhook, and `/metrics`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import Mapped

from workflows import acknowledgements, operators, stuck
from workflows.accounts import Account
from workflows.ailments import Ailment
from workflows.engine import outbox, readings, webhooks
from workflows.engine.db import Base, command, db, index_of_few, now
from workflows.engine.letters import Attempt, Letter
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.register import Made
from workflows.engine.settings import settings

PATIENCE = timedelta(minutes=10)
LAPSE = timedelta(minutes=2)  # without a look: nobody knows whether it was stuck meanwhile
FEW, COUNTED = 3, 1000  # letters that are no backlog yet; up to which they are counted
LATELY = timedelta(minutes=1)  # longer than from one look to the next


@dataclass(frozen=True)
class Standstill:
    """What is an alarm and no way to be stuck: a backlog of which nothing leaves."""

    name: str = "letters-still"
    title: str = "No letter leaves"
    sentence: str = (
        "Three letters or more wait, and the mail server has taken none for ten minutes. They are "
        "safe, and leave by themselves as soon as it takes them."
    )


STILL = Standstill()
BACKLOG = ("letter-late", "letter-retrying")  # what letters that wait are listed as
NAMES = (*(one.name for one in stuck.AILMENTS if one.stuck), STILL.name)


class AlarmMachine(Machine):
    raised = State(initial=True)
    over = State(final=True)

    end = raised.to(over)


class Alarm(Stateful, Base):
    __tablename__ = "alarms"
    __table_args__ = (
        index_of_few("one_alarm_of_a_kind", "name", unique=True, which="state = 'raised'"),
    )
    machine = AlarmMachine

    name: Mapped[str]  # one of NAMES
    number: Mapped[int]  # of rows, when it was raised
    seen_at: Mapped[datetime]  # since when it was stuck without a break
    raised_at: Mapped[datetime]

    @property
    def about(self) -> Ailment | Standstill:
        return stuck.BY_NAME.get(self.name, STILL)

    @property
    def path(self) -> str:
        return f"/status/stuck/{self.name}" if self.name in stuck.BY_NAME else "/status/letters"


@command
def keep_watch(found: Mapping[str, Sequence[Any]]) -> None:
    """Raise an alarm about what a survey found stuck for ten minutes; end those that are over.

    Several clocks may watch: there is one alarm of a kind at a time, and whoever comes second
    finds it raised.
    """
    unknown, still = _unknown(found), _standstill()
    ill = _rows(found) | still
    news = _rows(unknown) | ({} if _is_known(BACKLOG, found, unknown) else still)
    seen = _seen(news)
    raised = {alarm.name: alarm for alarm in db.session.scalars(_raised().with_for_update())}
    for name in sorted(raised.keys() - ill.keys()):
        _tell(raised[name].fire("end", by=None), "over")
    for name in sorted(news.keys() - raised.keys()):
        if now() - seen[name] >= PATIENCE:
            moments = {"seen_at": seen[name], "raised_at": now()}
            _tell(Alarm.begin(by=None, name=name, number=news[name], **moments), "raised")


def _unknown(found: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Of what was found, the causes that no operator has said they know of, at this size."""
    known = acknowledgements.all_of_them()
    return {
        name: [
            one for one in causes
            if not (own := known.get((name, one["cause"]))) or not own.covers(one["number"])
        ]
        for name, causes in found.items()
    }  # fmt: skip


def _raised() -> Any:
    return select(Alarm).where(text("state = 'raised'")).order_by(Alarm.id)


def _is_known(names: Collection[str], found: Mapping[str, Any], unknown: Mapping[str, Any]) -> bool:
    """Whether there are causes of these, and somebody knows of each."""
    return any(map(found.get, names)) and not any(map(unknown.get, names))


def _rows(found: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    """How many rows of each kind are stuck."""
    return {
        name: sum(one["number"] for one in causes)
        for name, causes in found.items()
        if name in NAMES and causes
    }


def _standstill() -> dict[str, int]:
    """How many letters wait, if none leaves."""
    backlog = _backlog()
    return {STILL.name: backlog} if backlog >= FEW and not _leaving() else {}


def _backlog() -> int:
    """Letters that are due or were put off by the mail server, and not by an operator or by us."""
    tried = or_(Letter.due_at <= now(), Letter.attempts > 0)
    pending = and_(text("letters.state = 'pending'"), Letter.pause_id.is_(None), tried)
    some = select(Letter.id).where(pending).limit(COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _leaving() -> bool:
    """Whether the mail server took a letter lately, or said that it never will."""
    answers = Attempt.outcome.in_(("sent", "bounced"))
    ended = exists().where(Attempt.at > now() - LATELY - outbox.LEASE, answers)
    return bool(db.session.scalar(select(ended)))


def _seen(ill: Mapping[str, int]) -> dict[str, datetime]:
    """Since when each kind has been stuck at every look, and keep that for the next."""
    last, moment = readings.last("watched"), now()
    known = last.facts if last and last.at > moment - LAPSE else {}
    seen = {name: known.get(name, moment.isoformat()) for name in ill}
    readings.keep("watched", seen)
    return {name: datetime.fromisoformat(since) for name, since in seen.items()}


def _tell(alarm: Alarm, news: str) -> None:
    """A letter to each operator, and a call to the webhook."""
    if settings().alarm_letters:
        for operator in operators.all_of_them():
            outbox.post(f"alarm_{news}", about=operator, generation=alarm.id)
    over_at = alarm.since.isoformat() if news == "over" else None
    webhooks.post({
        "alarm": alarm.id, "event": news, "class": alarm.name, "title": alarm.about.title,
        "sentence": alarm.about.sentence, "number": alarm.number,
        "seen_at": alarm.seen_at.isoformat(), "raised_at": alarm.raised_at.isoformat(),
        "over_at": over_at, "url": settings().base_url + alarm.path,
    })  # fmt: skip


def raised() -> Sequence[Alarm]:
    """The alarms that are not over, the oldest first."""
    return db.session.scalars(_raised()).all()


@outbox.letter("alarm_raised", about=Account)
def to_operator(account: Account, letter: Any) -> Made:
    """Nobody wants it once it is over: the letter that says so tells when it began."""
    alarm = db.session.get_one(Alarm, letter.generation)
    return _written(account, alarm) if alarm.state == "raised" else None


@outbox.letter("alarm_over", about=Account)
def to_operator_again(account: Account, letter: Any) -> Made:
    alarm = db.session.get_one(Alarm, letter.generation)
    written = _written(account, alarm)
    return written and (written[0], written[1] | {"over_at": alarm.since})


def _written(account: Account, alarm: Alarm) -> Made:
    if not account.operator:
        return None
    return account.email, {
        "name": account.name, "title": alarm.about.title, "sentence": alarm.about.sentence,
        "number": alarm.number, "seen_at": alarm.seen_at, "raised_at": alarm.raised_at,
        "url": settings().base_url + alarm.path,
    }  # fmt: skip
