"""The doctor's look from outside: does BASE_URL lead here, with a certificate that holds, and can a
client choose the address that limits know it by.
"""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from itertools import chain, product
from urllib.error import URLError
from urllib.parse import urlsplit

from web import health
from workflows.engine.findings import Finding, certificate
from workflows.engine.settings import Settings

PATIENCE = 5  # seconds
FORGED = "192.0.2.66"  # an address that nobody has
UNDERSCORES = (
    "A client that writes {} with underscores chooses its address: let the proxy drop such headers,"
    " or use Forwarded. docs/operations.md says how."
)


def look(settings: Settings) -> Iterator[Finding]:
    """Nothing answering is advice alone: from here the public name may lead nowhere."""
    if settings.embedded:
        return
    url = f"{settings.base_url}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            alive = json.load(answer) == {"alive": True}
        yield Finding("BASE_URL", "" if alive else f"{url} is answered by something else.")
    except URLError as error:
        untrusted = isinstance(error.reason, ssl.SSLError)
        why = f"{url} cannot be opened: {getattr(error.reason, 'strerror', '') or error.reason}."
        yield Finding("BASE_URL", why, advice=not untrusted)
        return
    except (OSError, ValueError, HTTPException):
        yield Finding("BASE_URL", f"{url} is answered by something else, or hangs.", advice=True)
        return
    if settings.base_url.startswith("https://"):
        yield _certificate(settings.base_url)
    yield from _addresses(settings)


def _addresses(settings: Settings) -> Iterator[Finding]:
    """Whether a client can be seen with an address of its choice: it is tried."""
    name = settings.client_header
    if not settings.trusted_proxies:
        alike = "It is 0: behind a proxy, all clients share one limit. Count the proxies in front."
        is_behind_one = settings.base_url.startswith("https://")  # TLS ends there
        yield Finding("TRUSTED_PROXIES", alike if is_behind_one else "", advice=True)
        return
    if (seen := _seen_as(settings, [name])) == FORGED:
        high = f"A client that sends {name} chooses its address: fewer proxies than this add to it."
        yield Finding("TRUSTED_PROXIES", high)
    elif _seen_as(settings, [name, *_other_spellings(name)]) == FORGED:
        yield Finding("CLIENT_HEADER", UNDERSCORES.format(name))
    else:
        known = "" if seen else "Usher did not say how it sees clients. Has it another SECRET_KEY?"
        yield Finding("CLIENT_HEADER", known, advice=True)


def _other_spellings(name: str) -> list[str]:
    """How else a client may write this name so that WSGI takes it for the same."""
    parts = product(*[("-", "_")] * name.count("-"))
    words = name.split("-")
    spelled = ("".join(chain(*zip(words, [*marks, ""], strict=True))) for marks in parts)
    return [one for one in spelled if one != name]


def _seen_as(settings: Settings, names: list[str]) -> str:
    """As whom Usher sees a client that claims, in all these headers, to be FORGED."""
    claims = dict.fromkeys(names, FORGED) | {health.DOCTOR: health.doctors_note()}
    asked = urllib.request.Request(f"{settings.base_url}/healthz", headers=claims)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return str(json.load(answer).get("client", ""))
    except (OSError, ValueError, HTTPException):  # refused, which is as good as dropped
        return ""


def _certificate(url: str) -> Finding:
    parts = urlsplit(url)
    place, context = (str(parts.hostname), parts.port or 443), ssl.create_default_context()
    try:
        with (
            socket.create_connection(place, timeout=PATIENCE) as line,
            context.wrap_socket(line, server_hostname=place[0]) as trusted,
        ):
            return certificate("certificate", trusted.getpeercert())
    except OSError as error:
        return Finding("certificate", f"It could not be read: {error}.", advice=True)
