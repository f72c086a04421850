"""Leftovers: the part of a bulk action that Usher failed at five times, taken up once more.

What would surprise a reader: it is done in the name of whoever began it, and their right to is
asked again. An operator only lets it go on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, select, text

from workflows import cases
from workflows.accounts import Account
from workflows.ailments import found_of
from workflows.cases import GIVEN_UP, Case
from workflows.engine import sets
from workflows.engine.db import command, db, lock
from workflows.engine.refusals import NotNow
from workflows.errands import Errand


def given_up() -> Select[Any]:
    """The errands that are over, and of which something was given up."""
    rows = found_of(Errand).where(Errand.state == "done")
    return rows.where(Errand.id.in_(select(Case.errand_id).where(text(GIVEN_UP))))


def under_way(errand_ids: Collection[int]) -> set[int]:
    """Which of these are being done now."""
    running = select(Errand.id).where(sets.among(Errand.id, errand_ids), Errand.state == "running")
    return set(db.session.scalars(running))


@command
def take_up(errand: Errand, *, by: Account) -> None:
    """Let those who were left out have their turn again; the clock goes on with them."""
    lock(errand)
    may_take_up(errand)
    cases.reopen(errand.id)
    errand.fire("take_up", by=by, tries=0, due_at=None)


def may_take_up(errand: Errand) -> None:
    errand.rehearse("take_up", by=None)
    if not cases.some_given_up(errand.id):
        raise NotNow("Nothing of it was given up any more.")
