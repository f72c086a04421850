"""What an examination of a deployment found; each door registers what it can look at."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from workflows.engine.settings import Settings

FEWEST_DAYS = 14


@dataclass(frozen=True)
class Finding:
    """One thing looked at: well, worth an advice, or (with `help` alone) in need of help."""

    what: str
    help: str = ""
    advice: bool = False

    @property
    def ill(self) -> bool:
        return bool(self.help) and not self.advice


Look = Callable[[Settings], Iterator[Finding]]
LOOKS: list[Look] = []


def look(function: Look) -> Look:
    """Let the doctor look at this too. It runs inside an app, whose database may be away."""
    LOOKS.append(function)
    return function


def certificate(what: str, parts: dict[str, Any]) -> Finding:
    """Whether this certificate, as `getpeercert` tells of it, still holds for a while."""
    ends_at = ssl.cert_time_to_seconds(parts["notAfter"])
    days = int((ends_at - time.time()) // 86400)
    return Finding(what, f"It ends in {days} days. Renew it." if days < FEWEST_DAYS else "")
