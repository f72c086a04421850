"""One line in the log for each request, whoever answered it, and the id that people can quote.

What would surprise a reader: no id that a client sends is taken, and no query is written down.
The time is that until the answer began: a long download is not a slow one.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, g, request
from sqlalchemy import inspect
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ID, ABOUT = "usher.request_id", "usher.about"  # in the environment of each request
log = logging.getLogger("usher.web")


class Visits:
    """Stands in front of everything that answers."""

    def __init__(self, behind: WSGIApplication) -> None:
        self.behind = behind

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, said = time.perf_counter(), ["500"]
        request_id = environ[ID] = secrets.token_hex(8)
        about: dict[str, Any] = {}
        environ[ABOUT] = about
        bind_contextvars(request_id=request_id)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            said[0] = status
            return start_response(status, [*headers, ("X-Request-ID", request_id)], exc_info)

        try:
            return self.behind(environ, start)
        finally:
            _write(environ, int(said[0][:3]), time.perf_counter() - began, about)
            clear_contextvars()  # the next request in this thread has an id of its own


def _write(environ: WSGIEnvironment, status: int, seconds: float, about: dict[str, Any]) -> None:
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    facts = {"method": environ["REQUEST_METHOD"], "path": path, "status": status}
    facts["ms"] = round(seconds * 1000, 1)
    level = logging.WARNING if status >= 500 else logging.INFO
    log.log(level, "request", extra=facts | about)


def register(app: Flask) -> None:
    app.after_request(_note_who)


def _note_who(response: Response) -> Response:
    """Ids alone; they are read off the rows without asking the database again."""
    for name in ("account", "organization"):
        if row := g.get(name):
            note(request.environ, **{f"{name}_id": inspect(row).identity[0]})
    return response


def note(environ: WSGIEnvironment, **facts: Any) -> None:
    """Something more for the line of this request: ids and words of ours, nothing typed."""
    about = environ.get(ABOUT, {})
    about.update((name, fact) for name, fact in facts.items() if fact is not None)


def request_id() -> str:
    """What this request is called in the log."""
    return str(request.environ.get(ID, ""))
