"""Uses of tokens, gathered in memory and written about once a second.

What would surprise a reader: a crash loses the last second of them, and that is accepted. A write
for every request would make the gate as slow as the database's disk; a lost use only makes
"last used" a little older. What could not be written is tried once more, with the next batch.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.util import Finalize
from threading import Lock, Thread, Timer
from weakref import WeakSet

from workflows.gate import Use

SECONDS = 1.0
SOON, FULL = 1_000, 10_000  # written at once from here on; forgotten from here on
Batch = dict[int, Use]  # by generation: the latest use stands for all of them

log = logging.getLogger("usher.gate")


class Uses:
    """The buffer of one process; `write` gets a list with one use of each token."""

    def __init__(self, write: Callable[[list[Use]], object]) -> None:
        self._write = write
        self._fresh: Batch = {}
        self._again: Batch = {}
        self._guard, self._writing = Lock(), Lock()
        self._timer: Thread | None = None
        _everywhere.add(self)

    def add(self, use: Use) -> None:
        """Remember this use. Never waits for the database."""
        with self._guard:
            known = use.generation_id in self._fresh
            if len(self._fresh) < FULL or known:
                _put(self._fresh, use)
            self._write_later(0 if len(self._fresh) == SOON and not known else SECONDS)

    def flush(self) -> None:
        """Write what is there, now, in this thread."""
        with self._writing:
            with self._guard:
                fresh, self._fresh, self._timer = self._fresh, {}, None
            batch, self._again = self._again, {}
            for use in fresh.values():
                _put(batch, use)
            try:
                if batch:
                    self._write(list(batch.values()))
            except Exception as error:  # whatever it is, people get their files
                log.warning("%d uses not written: %s", len(batch), type(error).__name__)
                self._try_again(fresh)

    def _try_again(self, fresh: Batch) -> None:
        self._again = fresh
        if fresh:
            with self._guard:
                self._write_later(SECONDS)

    def _write_later(self, seconds: float) -> None:
        # A timer of the parent is not alive in a forked child, so each process has its own.
        if seconds and self._timer and self._timer.is_alive():
            return
        self._timer = Timer(seconds, self.flush)
        self._timer.daemon = True
        with suppress(RuntimeError):  # no thread to be had, or the process is ending
            self._timer.start()


def _put(batch: Batch, use: Use) -> None:
    """Add a use; a download is not forgotten because of a later look."""
    earlier = batch.get(use.generation_id)
    downloaded = use.downloaded or bool(earlier and earlier.downloaded)
    batch[use.generation_id] = replace(use, downloaded=downloaded)


_everywhere: WeakSet[Uses] = WeakSet()


@atexit.register
def _flush_all() -> None:
    for uses in list(_everywhere):
        uses.flush()


# granian's workers are children of multiprocessing, which before Python 3.13 skip atexit.
Finalize(None, _flush_all, exitpriority=0)
