"""How many long downloads run at a time in this process, all together and of one person.

What would surprise a reader: a connection is what they take from others, for granian has only so
many (`--backpressure` in the Procfile). Half of them stay free of downloads, so that pages and the
gate answer, and no one person's machines take the half from everybody else's.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from threading import Lock

from flask import g
from werkzeug import Response
from werkzeug.wsgi import ClosingIterator

from web.patience import PIECE
from workflows.engine.refusals import Unavailable

AT_ONCE = 512
OF_ONE = 64
TOO_MANY = "Too many downloads are running. Try again when one of them has ended."


class Downloads:
    """Those that have begun and have not ended, by whose they are."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._guard = Lock()

    def full(self, whose: str) -> bool:
        """Whether one more of theirs would be too many."""
        return self._running[whose] >= OF_ONE or self._running.total() >= AT_ONCE

    def admit(self, answer: Response, whose: str) -> bool:
        """Count this one until its last piece is taken or nobody wants it; False if there are
        too many. What goes out in one piece waits for nobody, and is no matter."""
        if not answer.is_streamed or _short(answer):
            return True
        with self._guard:
            if self.full(whose):
                return False
            self._running[whose] += 1
        ending = partial(self._end, whose)
        answer.response = ClosingIterator(answer.response, ending)  # type: ignore[arg-type]
        return True

    def _end(self, whose: str) -> None:
        with self._guard:
            self._running[whose] -= 1
            self._running += Counter()  # forgets those who have none


def _short(answer: Response) -> bool:
    return answer.content_length is not None and answer.content_length <= PIECE


running = Downloads()


def require_room() -> None:
    """Before anything is written about it: what is exported is also handed over."""
    if running.full(_account()):
        raise Unavailable(TOO_MANY)


def handed(answer: Response) -> Response:
    """A file for the account that asked for it, counted while it goes out."""
    running.admit(answer, _account())
    return answer


def _account() -> str:
    return f"account {g.account.id}"
