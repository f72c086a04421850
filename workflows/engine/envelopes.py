"""Envelopes: what a worker holds of a letter, first the right to send it, then all that leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Claim:
    """The right to send this letter; void once somebody else holds a later lease."""

    letter_id: int
    lease: int


@dataclass(frozen=True)
class Envelope:
    """A letter as it leaves: address, facts for its template, and what never changes of it."""

    to: str
    template: str
    facts: dict[str, Any] = field(repr=False)  # a token may be among them
    message_id: str
    at: datetime
