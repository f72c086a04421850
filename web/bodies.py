"""Whoever sends or reads slowly holds up no other page.

What would surprise a reader: granian hands a request on before its body has come, so reading waits
for the client, in one of few threads; and so does writing, unless an answer is one piece. Waitress,
in the embedded mode, waits for nobody. A proxy that does so too (`docs/operations.md`) lets none
of this happen; without one, forms may have to be sent again, and all other pages, the gate among
them, answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import IO, TYPE_CHECKING

from flask import Flask, request
from werkzeug import Response
from werkzeug.exceptions import ServiceUnavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE = 4  # half of the threads in the Procfile
PATIENCE = 0.2  # seconds: whatever has come is read in much less


class Bodies:
    """Stands in front of Flask, which reads bodies."""

    def __init__(self, behind: WSGIApplication) -> None:
        self.behind = behind
        self.room = BoundedSemaphore(AT_ONCE)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"], self.room)
        return self.behind(environ, start_response)


class _Body:
    """A body whose reading may have to wait."""

    def __init__(self, body: IO[bytes], room: BoundedSemaphore) -> None:
        self.body, self.room = body, room

    def read(self, size: int = -1) -> bytes:
        if not self.room.acquire(timeout=PATIENCE):
            raise ServiceUnavailable
        try:
            return self.body.read(size)
        finally:
            self.room.release()


def register(app: Flask) -> None:
    app.after_request(_in_one_piece)


def _in_one_piece(response: Response) -> Response:
    """Files of ours, which anybody may read as slowly as they like, are handed over at once."""
    if request.endpoint == "static" and response.status_code == 200:
        response.direct_passthrough = False
        response.set_data(response.get_data())
    return response
