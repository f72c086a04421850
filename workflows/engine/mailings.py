"""Mailings: one letter for each of many rows, written in one go."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert

from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.engine.outbox import REGISTER


def post_all(template: str, organization_id: int, about_ids: Iterable[int]) -> None:
    """Send this about each of these rows of an organization; no line is drawn anew."""
    assert template in REGISTER
    moment = now()
    written = {
        "state": "pending", "since": moment, "revision": 1, "template": template, "generation": 0,
        "organization_id": organization_id, "posted_at": moment, "due_at": moment,
    }  # fmt: skip
    if rows := [{"about_id": row_id, **written} for row_id in about_ids]:
        db.session.execute(insert(Letter), rows)
