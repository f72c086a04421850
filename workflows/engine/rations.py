"""Rations: how many letters one person gets that others cause; the rest waits, or is spared.

What would surprise a reader: a mailbox and its `+tags` have a ration each. Whoever makes up tags
holds up no letter to the plain address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from workflows.engine import limits
from workflows.engine.identity import rationed_as


@dataclass(frozen=True)
class Ration:
    """What counts letters of a kind: the setting `limit_…` of this name.

    `spare(row)` knows whether another letter does what the one about this row would.
    """

    limit: str = "letters"
    spare: Callable[[Any], bool] | None = None

    @classmethod
    def of(cls, rationed: bool | Ration) -> Ration | None:
        """The ration that a letter names, the usual one where it says no more than that."""
        return cls() if rationed is True else rationed or None

    def wait(self, kind: str, address: str) -> timedelta | None:
        """Count one more about such rows, or answer how long it has to wait."""
        return limits.take(self.limit, kind, rationed_as(address.lower()))

    def spares(self, row: Any) -> bool:
        """Whether it need not leave at all."""
        return self.spare is not None and self.spare(row)
