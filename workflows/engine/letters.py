"""Letters: a mail before, while and after it is sent.

    pending ── claim ─▶ sending ── hand_over ─▶ sent
       ▲                   ├──────── drop ─────▶ moot      nobody wants it any more
       ├──── put_off ──────┤──────── bounce ───▶ bounced   the server will never take it
       └──── retry ────────┴──────── give_up ──▶ dead      72 hours, or five workers, for nothing

    hurry: not later but now · release: out of the hands of a worker that fell silent
    discard: from pending, bounced or dead to moot, because an operator says so

The row owns attempts, waits and lease; it holds no address and no text. Its history is not in
`steps` but in `attempts`: a line for each claim, with the worker and the mail server's answer.
Only what an operator does to a letter is a step.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, index_of_few, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotNow
from workflows.engine.settings import settings

OVERDUE = timedelta(minutes=5)  # after which somebody should have come
HELD = "held"  # its recipient had had too many: what other people did, and so for operators only
FOUND = "found"  # handed over already, by a try that could not say so any more
KEPT_BACK = "Kept back: this mailbox wants no such letters."


class LetterMachine(Machine):
    pending = State(initial=True)
    sending = State()
    sent = State(final=True)
    moot = State(final=True)
    bounced = State()
    dead = State()

    claim = pending.to(sending) | sending.to(sending)
    hand_over = sending.to(sent)
    put_off = sending.to(pending)
    drop = sending.to(moot)
    bounce = sending.to(bounced)
    give_up = sending.to(dead)
    retry = bounced.to(pending) | dead.to(pending)
    hurry = pending.to(pending, validators=["may_leave_sooner"])
    discard = pending.to(moot) | bounced.to(moot) | dead.to(moot)
    release = sending.to(pending, validators=["lease_is_over"])

    def may_leave_sooner(self) -> None:
        if self.model.pause_id is not None:
            raise NotNow(f"Letters to {self.model.domain} are paused. Resume them first.")
        if now() - OVERDUE < self.model.due_at <= now():
            raise NotNow("This letter is due already, and leaves as soon as a worker comes.")

    def lease_is_over(self) -> None:
        if self.model.lease_until and self.model.lease_until > now():
            raise NotNow("A worker is sending this letter, and its time is not over.")


class Letter(Stateful, Base):
    __tablename__ = "letters"
    __table_args__ = (
        index_of_few(None, "due_at", which="state = 'pending'"),
        index_of_few(None, "lease_until", which="state = 'sending'"),
        Index(None, "template", "about_id"),
        Index(None, "organization_id", "id"),
        index_of_few("failed_letters", "since", which="state IN ('bounced', 'dead')"),
        Index("letters_by_state", "state", "id"),
        Index("letters_by_domain", "domain", "id"),
        index_of_few("letters_by_cause", "cause", "id", which="cause IS NOT NULL"),
        index_of_few("paused_letters", "pause_id", which="pause_id IS NOT NULL"),
        index_of_few("letters_by_request", "request_id", "id", which="request_id IS NOT NULL"),
    )  # fmt: skip
    machine = LetterMachine

    template: Mapped[str]
    about_id: Mapped[int]
    generation: Mapped[int]
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    posted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)  # claims in a row without an outcome
    lease: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    reply: Mapped[str | None]
    cause: Mapped[str | None]  # what it failed of, in words that letters share which fail alike
    domain: Mapped[str | None]  # of the recipient, known from the first try on
    again_at: Mapped[datetime | None]  # when an operator let it begin anew, its patience too
    pause_id: Mapped[int | None] = mapped_column(ForeignKey("pauses.id"))  # what it waits for
    request_id: Mapped[str | None]  # that caused it, as in the log and in `actions`

    @property
    def verifying(self) -> bool:
        """Whether it was let begin anew, and nobody knows yet whether that helped."""
        return self.again_at is not None and self.state in ("pending", "sending")

    @property
    def told(self) -> str:
        """The state as whoever caused it is told: one that was kept back looks handed over."""
        return "sent" if self.reply == KEPT_BACK else self.state

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a mail server can drop a repeat."""
        return f"<letter-{self.id}.{self.template}@{urlsplit(settings().base_url).hostname}>"


def cause_of(reply: str | None) -> str | None:
    """A mail server's reply without addresses and numbers of its own, to group letters by."""
    if reply is None:
        return None
    words = re.sub(r"<?[^\s<>]+@[^\s<>]+>?", "<address>", reply)
    words = re.sub(r"\b(?=[0-9A-Za-z.-]*\d)[0-9A-Za-z.-]{10,}\b", "#", words)
    return " ".join(words.split())[:200]


ARROWS = {  # of an attempt's outcome: the arrow that the letter took then
    one: f"sending>{one}" for one in ("sent", "pending", "moot", "bounced", "dead")
} | {FOUND: "sending>sent"}


class Attempt(Base):
    """One claim of a letter and how it ended."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index(None, "letter_id", "lease", unique=True),
        index_of_few("open_attempts", "letter_id", which="outcome IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letters.id"))
    lease: Mapped[int]
    worker: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # a state of the letter, "returned", HELD or FOUND; None: not known
    reply: Mapped[str | None]

    @property
    def told(self) -> str | None:
        """The outcome as whoever caused the letter is told."""
        return "sent" if self.reply == KEPT_BACK else self.outcome
