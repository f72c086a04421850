"""Moments of many rows, read as the database wrote them: of equal ones one is understood for all.

Of ten thousand rows that were written together most have the same, and taking a text apart costs
more than reading it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import String, type_coerce

from workflows.engine.db import Moment, db


def as_written(moment: Any) -> Any:
    """This column as the database has it, which costs nothing to read."""
    return type_coerce(moment, String).label(f"{moment.table.name}_{moment.name}")


def understood(written: Iterable[Any]) -> dict[Any, datetime | None]:
    """What each of these says, by how it was written."""
    dialect = db.engine.dialect
    understand = Moment().dialect_impl(dialect).result_processor(dialect, None)
    assert understand
    return {one: understand(one) for one in set(written)}
