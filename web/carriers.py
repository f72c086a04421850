"""Where a request carries its token: in its path, or in its Authorization header.

What would surprise a reader: nothing here says no. Whatever was sent, however broken, becomes a
secret, or None for a request that carries none; the verdict is `workflows.gate`'s alone.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from workflows.engine.seals import well_formed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNREADABLE = "?"  # something was sent and it is no token: "malformed", never "missing"


class Carried(NamedTuple):
    """The secret, what is asked for without it, and whether it stood in the path."""

    secret: str | None
    path: str
    in_path: bool

    @property
    def pip_would_prompt(self) -> bool:
        """pip answers a 401 by asking for a user name, which no path token can use."""
        return self.in_path and "simple" in self.path.split("/")


def of_file(environ: WSGIEnvironment) -> Carried:
    """The token of a request for a file that Usher itself serves."""
    return _carried(environ.get("PATH_INFO", ""), environ)


def of_gate(environ: WSGIEnvironment) -> Carried:
    """The token of the request that a reverse proxy asks about.

    nginx sends the original path as X-Original-URI, Traefik and Caddy as X-Forwarded-Uri.
    """
    paths = [
        unquote(environ[header].partition("?")[0], "latin-1")  # as servers give us PATH_INFO
        for header in ("HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_URI")
        if header in environ
    ]
    with_token = [path for path in paths if _split(path)[1]]
    return _carried((with_token or paths or [""])[0], environ)


def method_asked(environ: WSGIEnvironment) -> str:
    """The method of the request that a reverse proxy asks about, as far as it tells."""
    for header in ("HTTP_X_ORIGINAL_METHOD", "HTTP_X_FORWARDED_METHOD", "REQUEST_METHOD"):
        if environ.get(header):
            return str(environ[header])
    return ""


def _carried(path: str, environ: WSGIEnvironment) -> Carried:
    secret, in_path, rest = _split(path)
    return Carried(secret or in_authorization(environ.get("HTTP_AUTHORIZATION")), rest, in_path)


def _split(path: str) -> tuple[str | None, bool, str]:
    first, _, rest = path.lstrip("/").partition("/")
    if first != "t":  # mamba and rattler know a token only in this place, so do we
        return None, False, path.lstrip("/")
    secret, _, rest = rest.partition("/")
    return secret or None, True, rest


def in_authorization(header: str | None) -> str | None:
    """The secret of an Authorization header: `Bearer`, `token`, or either part of `Basic`."""
    scheme, _, credentials = (header or "").strip().partition(" ")
    credentials = credentials.strip()
    match scheme.lower():
        case "":
            return None
        case "bearer" | "token":
            return credentials or UNREADABLE
        case "basic":
            return _in_basic(credentials)
        case _:  # one word alone is a token without its scheme; a scheme we lack carries none
            return None if credentials else UNREADABLE


def _in_basic(credentials: str) -> str | None:
    try:
        padded = credentials + "=" * (-len(credentials) % 4)
        decoded = base64.b64decode(padded, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return UNREADABLE
    user, colon, password = (part.strip() for part in decoded.partition(":"))
    if not colon:
        return UNREADABLE
    if well_formed(user):
        return user
    return password or user or None
