"""How the numbers in our addresses are written: one way for each row, none for anything else."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1  # that a column of ids can hold


class RowId(IntegerConverter):
    """A number without leading zeros that a row may have; anything else is no address."""

    regex = r"[1-9][0-9]{0,9}"

    def __init__(self, map: Map, **options: int) -> None:
        super().__init__(map, **{"max": LARGEST, **options})
