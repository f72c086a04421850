"""Row ids: how a row is named in the address of its page, in one way and no other."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1  # that a column of ids can hold


class RowId(IntegerConverter):
    """A number without leading zeros that a row may have; anything else is no address."""

    regex = r"[1-9][0-9]{0,9}"

    def __init__(self, map: Map, **options: int) -> None:
        super().__init__(map, **{"max": LARGEST, **options})
