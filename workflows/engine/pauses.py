"""Pauses: no letter goes to a domain for a while, because an operator says so.

    paused ── resume ─▶ resumed

Whom a letter goes to is known when it is written, so that is when it is found to wait; from then
on it is not looked at again until letters to its domain are resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Mapped

from workflows.engine.db import Base, db, index_of_few
from workflows.engine.machine import Machine, State, Stateful

WHEN_RESUMED = datetime(9999, 1, 1, tzinfo=UTC)  # when a letter that waits is due


class PauseMachine(Machine):
    paused = State(initial=True)
    resumed = State(final=True)

    resume = paused.to(resumed)


class Pause(Stateful, Base):
    __tablename__ = "pauses"
    __table_args__ = (
        index_of_few("one_pause_of_a_domain", "domain", unique=True, which="state = 'paused'"),
    )  # fmt: skip
    machine = PauseMachine

    domain: Mapped[str]

    @property
    def sentence(self) -> str:
        return f"Letters to {self.domain} are paused."

    @property
    def holds(self) -> dict[str, Any]:
        """What is written down of a letter that waits. That it was looked at is no try of it."""
        return {
            "pause_id": self.id, "due_at": WHEN_RESUMED, "reply": self.sentence, "cause": None,
        }  # fmt: skip

    def no_arrow(self, event: str) -> str:
        return f"Letters to {self.domain} are not paused any more."


def of(domain: str | None) -> Pause | None:
    """The pause of this domain, held until we commit: nobody can resume it meanwhile."""
    here = select(Pause).where(Pause.domain == domain, text("state = 'paused'"))
    return db.session.scalar(here.with_for_update(read=True)) if domain else None


def all_now() -> Sequence[Pause]:
    """Every pause that lasts, the newest first."""
    lasting = select(Pause).where(text("state = 'paused'")).order_by(Pause.id.desc())
    return db.session.scalars(lasting).all()
