"""Mailings: one letter for each of many rows, written in one go."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert

from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.engine.outbox import REGISTER


def post_all(template: str, organization_id: int, generations: Mapping[int, int]) -> None:
    """Send this about each of these rows of an organization, of this generation each.

    No line is drawn anew; `cohorts.post` sees to that as well.
    """
    assert template in REGISTER
    moment = now()
    written = {
        "state": "pending", "since": moment, "revision": 1, "template": template,
        "organization_id": organization_id, "posted_at": moment, "due_at": moment,
    }  # fmt: skip
    rows = [{"about_id": one, "generation": which, **written} for one, which in generations.items()]
    if rows:
        db.session.execute(insert(Letter), rows)
