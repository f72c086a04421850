"""Whole numbers as people type them: digits, with a minus before them or not, and nothing else.

Python's own reading is kinder than people expect: it takes 1_000, +5, 5.0 and Arabic digits.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

DIGITS = re.compile(r"-?[0-9]+")
LONGEST = 12  # digits; every limit of ours is smaller


def whole(typed: str) -> int | None:
    """The number, or None when this is none."""
    bare = typed.strip().lstrip("0") or typed.strip()[-1:]
    return int(bare) if DIGITS.fullmatch(bare) and len(bare) <= LONGEST else None


def _read(typed: Any) -> int:
    text = str(typed).strip()
    if (number := whole(text)) is not None:
        return number
    if not text:
        raise PydanticCustomError("missing", "Fill this in.")
    if DIGITS.fullmatch(text):
        raise PydanticCustomError("int_parsing_size", "This number is too large.")
    raise PydanticCustomError("int_parsing", "Type a whole number.")


Whole = Annotated[int, BeforeValidator(_read)]
