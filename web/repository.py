"""The built-in repository: the files of one folder, and the index pages that pip needs.

What would surprise a reader: a Range that we do not read (several ranges, other units) is answered
with the whole file, as the standard asks; only a range beyond the end is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from werkzeug import Response
from werkzeug.exceptions import (
    HTTPException,
    NotFound,
    PreconditionFailed,
    RequestedRangeNotSatisfiable,
)
from werkzeug.wsgi import FileWrapper

from web import simple_index
from web.paths import locate, nothing, parse
from web.simple_index import PAGE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

TEXT = "text/plain; charset=utf-8"
# Never guessed from the system, and never a Content-Encoding: clients want the bytes as they are.
TYPES = {
    ".json": "application/json",
    ".zst": "application/zstd",
    ".bz2": "application/x-bzip2",
    ".gz": "application/gzip",
    ".zip": "application/zip",
    ".html": PAGE,
    ".txt": TEXT,
    ".xml": "application/xml",
}
BYTES = "application/octet-stream"  # .conda, .whl and what we do not know
ONE_RANGE = re.compile(r"bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})", re.IGNORECASE)
CHUNK = 64 * 1024
# Files stand on the host of the web pages: one with a script in it must not act as the reader.
ALWAYS = {
    "Cache-Control": "private",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}


def serve(folder: Path | None, path: str, environ: WSGIEnvironment) -> Response:
    """Answer a request for `repo/…`, a path as WSGI gives it; a bad one in one sentence."""
    try:
        first, *places = parse(path)
        if folder is None or first != "repo" or not places:
            raise NotFound("There is no repository at this address.")
        answer = _answer(Path(os.path.realpath(folder)), places, environ)
    except HTTPException as error:
        headers = [*error.get_headers(environ), ("Cache-Control", "no-store")]
        answer = Response(f"{error.description}\n", error.code, headers, content_type=TEXT)
    for name, value in ALWAYS.items():
        answer.headers.setdefault(name, value)
    return answer


def _answer(root: Path, places: list[str], environ: WSGIEnvironment) -> Response:
    *folders, last = places
    if not last:
        return _folder(root, folders, environ)
    found = locate(root, *places)
    if found.is_dir() and simple_index.covers(places):
        return Response(status=301, headers={"Location": f"{quote(last)}/"})  # holds no token
    return _file(found, environ)


def _file(found: Path, environ: WSGIEnvironment) -> Response:
    file = _opened(found)
    facts = os.fstat(file.fileno())
    answer = Response(FileWrapper(file, CHUNK), direct_passthrough=True)
    answer.content_type = TYPES.get(found.suffix.lower(), BYTES)
    answer.content_length = facts.st_size
    answer.last_modified = facts.st_mtime  # type: ignore[assignment]  # werkzeug takes seconds
    answer.set_etag(f"{facts.st_ino:x}-{facts.st_mtime_ns:x}-{facts.st_size:x}")
    try:
        return _conditional(answer, environ, facts.st_size)
    except HTTPException:
        file.close()
        raise


def _opened(found: Path) -> BinaryIO:
    """The file, if that is what it is: a pipe must not hold us up, nor a late symlink lead out."""
    try:
        number = os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise nothing() from None
    if not S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise nothing()
    return os.fdopen(number, "rb")


def _conditional(answer: Response, environ: WSGIEnvironment, size: int) -> Response:
    """Not modified first, then the range; werkzeug alone would ask the other way round."""
    answer.make_conditional(environ)
    if answer.status_code == 412:
        raise PreconditionFailed("This file has changed.")
    if answer.status_code != 200:
        return answer
    answer.accept_ranges = "bytes"
    if environ["REQUEST_METHOD"] != "GET" or not _is_part(environ.get("HTTP_RANGE", ""), size):
        return answer
    try:
        return answer.make_conditional(environ, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable as error:
        error.description = "The file has no such bytes."
        raise


def _is_part(header: str, size: int) -> bool:
    """Whether one range is asked for, and one that is not simply the whole file."""
    asked = ONE_RANGE.fullmatch(header.strip())
    if not asked:
        return False
    first, _, last = asked[1].partition("-")
    if not first:  # the last so many bytes; werkzeug would refuse more than there are
        return int(last) < size
    return not last or int(first) <= int(last)


def _folder(root: Path, folders: list[str], environ: WSGIEnvironment) -> Response:
    if not simple_index.covers(folders):
        raise nothing()
    try:
        return _file(locate(root, *folders, "index.html"), environ)
    except NotFound:
        return simple_index.page(root, folders).make_conditional(environ)
