"""Readings: what the clock found when it last looked, one row for each thing it looks at.

So a page that shows them costs the same however much there was to look at.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, command, db, now


class Reading(Base):
    __tablename__ = "readings"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    seconds: Mapped[float]  # that it took
    text: Mapped[str] = mapped_column(Text)  # JSON

    @property
    def facts(self) -> Any:
        return json.loads(self.text)


def take(name: str, look: Callable[[], Any]) -> None:
    """Look, and keep what was found in place of the last."""
    begun = time.monotonic()
    facts = look()
    db.session.rollback()  # what was read so far holds up nobody while it is written
    keep(name, facts, time.monotonic() - begun)


@command
def keep(name: str, facts: Any, seconds: float = 0.0) -> None:
    text = json.dumps(facts, separators=(",", ":"))
    db.session.merge(Reading(name=name, at=now(), seconds=seconds, text=text))


def last(name: str) -> Reading | None:
    """What was found last time; None before the first."""
    return db.session.get(Reading, name, populate_existing=True)
