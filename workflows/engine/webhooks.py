"""Webhooks: what a program of the operators is told, by signed calls to one address.

What would surprise a reader: calls keep their order. All go to one address, so the oldest is tried
until it is taken or given up, and the others wait behind it. A try is counted before it is made,
so a process that is killed in it only makes the next one later.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.outbox import FIRST_WAIT, GIVE_UP, LONGEST_WAIT
from workflows.engine.settings import settings

LONGEST_REPLY = 200  # characters
OPEN = text("webhook_calls.ended_at IS NULL")


class Call(Base):
    """One thing to tell, with what has come of it."""

    __tablename__ = "webhook_calls"
    __table_args__ = (index_of_few("open_webhook_calls", "id", which="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]  # JSON
    posted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    reply: Mapped[str | None]  # to the newest try that ended
    ended_at: Mapped[datetime | None]
    taken: Mapped[bool] = mapped_column(default=False)  # else, once ended, it was given up


@dataclass(frozen=True)
class Claim:
    """A try at a call: which, the how-manieth, and the body to send."""

    call_id: int
    attempt: int
    body: bytes


def post(facts: dict[str, Any]) -> None:
    """Tell this, if there is an address and if the running command commits."""
    if settings().alarm_webhook:
        words = json.dumps(facts, ensure_ascii=False)
        db.session.add(Call(text=words, posted_at=now(), due_at=now()))


@command
def claim() -> Claim | None:
    """The oldest call, if it is due: it is the caller's until its next try would be."""
    oldest = select(Call).where(OPEN).order_by(Call.id).limit(1).with_for_update()
    call = db.session.scalar(oldest)
    if call is None or call.due_at > now() or not settings().alarm_webhook:
        return None
    call.due_at = now() + min(FIRST_WAIT * 2 ** min(call.attempts, 10), LONGEST_WAIT)
    call.attempts += 1
    return Claim(call.id, call.attempts, call.text.encode())


@command
def answered(claim: Claim, reply: str, *, taken: bool) -> None:
    """Write down what came of a try; whoever comes late, after another try, changes nothing."""
    call = lock(db.session.get_one(Call, claim.call_id))
    if call.ended_at or call.attempts != claim.attempt:
        return
    call.reply, call.taken = reply[:LONGEST_REPLY], taken
    if taken or now() - call.posted_at > GIVE_UP:
        call.ended_at = now()


def signature(body: bytes, at: int) -> str:
    """What proves that a call is ours and of this second: `t=…,v1=…`, HMAC-SHA256 in hex."""
    key = settings().alarm_key.encode()
    return f"t={at},v1={hmac.digest(key, f'{at}.'.encode() + body, 'sha256').hex()}"


def in_vain() -> Call | None:
    """The call that the others wait for, if it was tried and not taken."""
    oldest = db.session.scalar(select(Call).where(OPEN).order_by(Call.id).limit(1))
    return oldest if oldest and oldest.reply else None
