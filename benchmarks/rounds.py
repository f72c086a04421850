"""A job and what it is measured against, turn by turn in one run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One line of the table; the ratio is Usher's time in units of the limit's."""

    job: str
    limit: str
    database: str
    ratio: float
    target: float
    rounds: int

    @property
    def met(self) -> bool:
        return self.ratio <= self.target


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """How many times as long ours takes: medians of interleaved rounds, after one to warm up."""
    ours(), theirs()
    gc.collect()
    gc.freeze()  # else whoever makes rows walks through all that is held ready for the limit
    times = [(_timed(ours), _timed(theirs)) for _ in range(rounds)]
    mine, limit = zip(*times, strict=True)
    return statistics.median(mine) / statistics.median(limit)


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
