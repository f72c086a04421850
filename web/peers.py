"""Where a request comes from: the only place that reads what proxies say about it.

Each proxy appends whom it heard from to X-Forwarded-For, or to the header that CLIENT_HEADER names.
Only as many entries are believed as TRUSTED_PROXIES counts, from the right: what stands further
left, the client may have written.

What would surprise a reader: WSGI spells hyphens as underscores, so X_Forwarded_For from a client
could take the place of the proxy's X-Forwarded-For, and nothing here could tell them apart.
`web.patience` and waitress drop it before; under another server a proxy has to, which
`./usher doctor` tries, or to use a header of one word, `Forwarded`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from flask import request

from workflows.engine.settings import Settings, settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def address() -> str:
    """The address of the client of this request; "" where the server does not know one."""
    return address_in(request.environ, settings())


def address_in(environ: WSGIEnvironment, settings: Settings) -> str:
    """The same, for what stands in front of Flask."""
    peer = str(environ.get("REMOTE_ADDR") or "")
    count = settings.trusted_proxies
    name = "HTTP_" + settings.client_header.upper().replace("-", "_")
    entries = str(environ.get(name) or "").split(",")
    if count == 0 or len(entries) < count:
        return peer
    return _readable(entries[-count]) or peer


def _readable(entry: str) -> str | None:
    """An entry as an address in one spelling: some proxies add a port, or brackets.

    In `Forwarded` (RFC 7239) an address is the value of `for`, perhaps in quotes, among others.
    """
    for part in entry.split(";"):
        name, sign, value = part.strip().partition("=")
        if sign and name.lower() == "for":
            entry = value.strip('"')
    entry = entry.strip()
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        found = ipaddress.ip_address(entry)
    except ValueError:
        return None
    inner = getattr(found, "ipv4_mapped", None)
    return str(inner or found)
