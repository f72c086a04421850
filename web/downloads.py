"""How many long downloads run at a time in this process, all together and of one person.

What would surprise a reader: a connection is what they take from others, for granian has only so
many (`--backpressure` in the Procfile). Half of them stay free of downloads, so that pages and the
gate answer, and no one person's machines take the half from everybody else's.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from threading import Lock

from werkzeug import Response

from web.patience import PIECE

AT_ONCE = 512
OF_ONE = 64


class Downloads:
    """Those that have begun and have not ended, by whose they are."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._guard = Lock()

    def full(self, whose: str) -> bool:
        """Whether one more of theirs would be too many."""
        with self._guard:
            return self._running[whose] >= OF_ONE or self._running.total() >= AT_ONCE

    def count(self, answer: Response, whose: str) -> Response:
        """Count this one until it is closed, unless it goes out in one piece."""
        if answer.is_streamed and (answer.content_length or PIECE + 1) > PIECE:
            with self._guard:
                self._running[whose] += 1
            answer.call_on_close(partial(self._end, whose))
        return answer

    def _end(self, whose: str) -> None:
        with self._guard:
            self._running[whose] -= 1
            self._running += Counter()  # forgets those who have none


running = Downloads()
