"""Waits: why a letter that is due and wanted may not leave yet."""

from __future__ import annotations

from typing import Any

from workflows.engine import limits, pauses
from workflows.engine.db import now
from workflows.engine.identity import mailbox
from workflows.engine.letters import Letter

TOO_MANY = "This address got so many letters that this one waits."


def of(letter: Letter, to: str, kind: str | None) -> dict[str, Any] | None:
    """The columns of a letter to this address that has to wait; None when it may leave.

    Letters about rows of the table `kind`, where there is one, are rationed; each counts once.
    """
    if pause := pauses.of(letter.domain):
        return {"reply": pause.sentence, "pause_id": pause.id, "due_at": pauses.WHEN_RESUMED}
    if not kind or letter.attempts > 1:
        return None
    wait = limits.take("letters", kind, mailbox(to.lower()))
    return {"reply": TOO_MANY, "due_at": now() + wait} if wait else None
