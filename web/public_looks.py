"""The doctor's look from outside: does BASE_URL lead here, with a certificate that holds."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit

from workflows.engine.findings import Finding, certificate
from workflows.engine.settings import Settings

PATIENCE = 5  # seconds


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
