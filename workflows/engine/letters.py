"""Letters: a mail before, while and after it is sent.

    pending ── claim ─▶ sending ── hand_over ─▶ sent
       ▲                   ├──────── drop ─────▶ moot      nobody wants it any more
       ├──── put_off ──────┤──────── bounce ───▶ bounced   the server will never take it
       └──── retry ────────┴──────── give_up ──▶ dead      72 hours, or five workers, for nothing

The row owns attempts, waits and lease; it holds no address and no text. Its history is not in
`steps` but in `attempts`: a line for each claim, with the worker and the mail server's answer.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.settings import settings

HELD = "held"  # its recipient had had too many: what other people did, and so for operators only
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


class Letter(Stateful, Base):
    __tablename__ = "letters"
    __table_args__ = (
        Index(None, "due_at", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index(None, "lease_until", postgresql_where=text("state = 'sending'"),
              sqlite_where=text("state = 'sending'")),
        Index(None, "template", "about_id"),
    )  # fmt: skip
    machine = LetterMachine

    template: Mapped[str]
    about_id: Mapped[int]
    generation: Mapped[int]
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    posted_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lost: Mapped[int] = mapped_column(default=0)  # claims in a row without an outcome
    lease: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    reply: Mapped[str | None]

    @property
    def told(self) -> str:
        """The state as whoever caused it is told: one that was kept back looks handed over."""
        return "sent" if self.reply == KEPT_BACK else self.state

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a mail server can drop a repeat."""
        return f"<letter-{self.id}.{self.template}@{urlsplit(settings().base_url).hostname}>"


class Attempt(Base):
    """One claim of a letter and how it ended."""

    __tablename__ = "attempts"
    __table_args__ = (Index(None, "letter_id", "lease", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letters.id"))
    lease: Mapped[int]
    worker: Mapped[str]
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # a state of the letter, "returned" or HELD; None: not known
    reply: Mapped[str | None]

    @property
    def told(self) -> str | None:
        """The outcome as whoever caused the letter is told."""
        return "sent" if self.reply == KEPT_BACK else self.outcome
