"""Mailings: one letter for each of many rows, written in one go."""

from __future__ import annotations

from collections.abc import Mapping

from workflows.engine import logs, sets
from workflows.engine.db import now
from workflows.engine.letters import Letter
from workflows.engine.register import REGISTER


def post_all(template: str, organization_id: int, generations: Mapping[int, int]) -> None:
    """Send this about each of these rows of an organization, of this generation each.

    No line is drawn anew; `cohorts.post` sees to that as well.
    """
    assert template in REGISTER
    moment = now()
    each = {"about_id": list(generations), "generation": list(generations.values())}
    sets.add(
        Letter, each, state="pending", since=moment, revision=1, template=template,
        organization_id=organization_id, posted_at=moment, due_at=moment,
        request_id=logs.request_id(),
    )  # fmt: skip
