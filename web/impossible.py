"""Invariants that do not hold: the rows, and what mends them, for the page of impossible states."""

from __future__ import annotations

from typing import Any, NamedTuple

from web import status_words
from web.status_words import Row
from workflows import invariants, titles
from workflows.ailments import Found
from workflows.engine import readings
from workflows.engine.db import db
from workflows.tokens import Generation

FIRST = 20  # rows of each


class Broken(NamedTuple):
    """An invariant that does not hold: what to do about it, and the first rows that break it."""

    name: str
    number: int
    help: str
    rows: list[Row]


def broken() -> list[Broken]:
    """Every invariant that did not hold when it was last looked for."""
    known, told = invariants.all_of_them(), readings.last("invariants")
    ill = {name: number for name, number in told.facts.items() if number} if told else {}
    return [
        Broken(name, number, known[name].help, _rows_of(name, known[name].kind))
        for name, number in sorted(ill.items())
        if name in known
    ]


def _rows_of(name: str, kind: Any) -> list[Row]:
    found = [db.session.get_one(kind, one) for one in invariants.first_of(name, FIRST)]
    called = titles.of(kind.__tablename__, [row.id for row in found])
    return [
        Row(Found(row.id, getattr(row, "since", status_words.EPOCH), "", None),
            called.get(row.id) or f"{kind.__tablename__} {row.id}", None, _shown_at(row))
        for row in found
    ]  # fmt: skip


def _shown_at(row: Any) -> str | None:
    """Where such a row is seen; a generation on the page of its token's holder."""
    if isinstance(row, Generation):
        return status_words.page_of("tokens", row.token_id, None)
    return status_words.page_of(row.__tablename__, row.id, getattr(row, "organization_id", None))
