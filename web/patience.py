"""Waits for slow clients in a loop, so that no thread has to: a WSGI application, served by ASGI.

    a request comes  →  the loop reads it whole  →  a thread answers  →  the loop hands it on
                                                            ↑ a thread makes the next piece ↵

What would surprise a reader: WSGI keeps a thread for as long as a client sends or reads, so a few
slow ones would hold up everybody. Here a thread works only while there is something to do. Of each
client's download no more than a piece waits in memory, of an upload as much and the rest on disk.
A request whose end never comes reaches nobody: half a list of addresses is not a list.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

THREADS = 8
PIECE = 64 * 1024  # bytes
PATIENCE = 30.0  # seconds for a form, for its next piece, or for reading one of ours
SLOWEST = 500  # bytes a second: with each of so many a form gets a second more
TOO_SLOW = b"This took too long to arrive. Nothing was changed. Please send it again.\n"
CUT_SHORT = b"This did not arrive whole. Nothing was changed. Please send it again.\n"
ALIKE: WSGIEnvironment = {  # in the environment of each request
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class CutShort(Exception):
    """The end of a request will not come."""


class Patient:
    """The ASGI side of a WSGI application; `longest` is the longest body it reads, in bytes."""

    def __init__(self, app: WSGIApplication, longest: int) -> None:
        self.app, self.longest = app, longest
        self.threads = ThreadPoolExecutor(THREADS, "usher")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        environ = environment(scope)
        with SpooledTemporaryFile(PIECE) if _has_body(environ) else BytesIO() as body:
            try:
                if _has_body(environ):
                    await self._read(body, environ, receive)
            except CutShort:
                return await _refuse(send, 400, CUT_SHORT)
            except TimeoutError:
                return await _refuse(send, 408, TOO_SLOW)
            environ["wsgi.input"] = body
            answer = await self._in_thread(Answer, self.app, environ)
        if not answer.more:
            await send(answer.start)
            return await send(_piece(answer.piece, more=False))
        try:
            await send(answer.start)
            await self._hand_out(answer, receive, send)
        finally:
            await self._in_thread(answer.close)

    async def _read(self, body: IO[bytes], environ: WSGIEnvironment, receive: Receive) -> None:
        """Read what the client sends, unless it says or shows that it is too long."""
        if int(environ.get("CONTENT_LENGTH") or 0) > self.longest:
            return
        loop, size, more = asyncio.get_running_loop(), 0, True
        began = loop.time()
        async with asyncio.timeout(PATIENCE) as limit:
            while more and size <= self.longest:
                message = await receive()
                if message["type"] != "http.request":
                    raise CutShort
                size += body.write(message.get("body", b""))
                more = message.get("more_body", False)
                limit.reschedule(min(began + size / SLOWEST, loop.time()) + PATIENCE)
        body.seek(0)
        environ["CONTENT_LENGTH"] = str(size)

    async def _hand_out(self, answer: Answer, receive: Receive, send: Send) -> None:
        """Make a piece when the one before is taken; leave the answer cut when nobody reads."""
        gone = asyncio.ensure_future(_disconnect(receive))
        try:
            while not gone.done():
                async with asyncio.timeout(PATIENCE):
                    await send(_piece(answer.piece, more=answer.more))
                if not answer.more:
                    return
                await self._in_thread(answer.go_on)
        except TimeoutError:
            return
        finally:
            gone.cancel()

    def _in_thread(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self.threads, work, *args)


class Answer:
    """An answer as far as it is made: how it starts, a piece of it, and whether there is more."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        self.start: Message = {}
        self._pieces = app(environ, self._start_response)
        self._rest = iter(self._pieces)
        self._room = _length(self.start["headers"])
        self.more = False
        try:
            self.go_on()
        finally:
            if not self.more:
                self.close()

    def _start_response(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.start = {"type": "http.response.start", "status": int(status[:3]), "headers": raw}

    def go_on(self) -> None:
        """Make the next piece."""
        gathered, size = [], 0
        while size < PIECE and (piece := next(self._rest, None)) is not None:
            gathered.append(piece)
            size += len(piece)
        self.piece, self.more = b"".join(gathered)[: self._room], size >= PIECE
        if self._room is not None:  # a file that grows meanwhile must not run into the next answer
            self._room -= len(self.piece)
            self.more &= self._room > 0

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            self._pieces.close()


def environment(scope: Message) -> WSGIEnvironment:
    """What PEP 3333 asks for.

    A header with an underscore in its name is left out: WSGI could not tell X_Forwarded_For, which
    a client made up, from the X-Forwarded-For of the proxy.
    """
    version, (host, port) = scope["http_version"], scope.get("server") or ("", "")
    environ: WSGIEnvironment = {
        **ALIKE,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.0" if version == "1" else f"HTTP/{version}",
        "REMOTE_ADDR": (scope.get("client") or ("", ""))[0],
        "wsgi.url_scheme": scope["scheme"],
    }
    for name, value in _together(scope["headers"]):
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


def _together(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    """Headers by name, those that came several times as one."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if b"_" not in name:
            found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    for header, values in found.items():
        yield header, ("; " if header == "cookie" else ",").join(values)


def _has_body(environ: WSGIEnvironment) -> bool:
    """Whether there is anything to wait for; HTTP/2 does not always say so in a header."""
    announced = "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ
    return announced or environ["REQUEST_METHOD"] not in ("GET", "HEAD")


def _length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """How many bytes the answer says that it has."""
    return next((int(value) for name, value in headers if name.lower() == b"content-length"), None)


async def _disconnect(receive: Receive) -> None:
    """Until the client is not there any more; what it still sends is of no use."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, why: bytes) -> None:
    """Say what was wrong, to whoever still listens."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_piece(why, more=False))


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
