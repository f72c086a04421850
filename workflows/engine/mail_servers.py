"""Where the mail server is, and how it is spoken to: what SMTP_URL says."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from workflows.engine.settings import LOOPBACK

PORTS = {"smtp": 587, "smtps": 465}
Tls = Literal["always", "starttls", "off"]


@dataclass(frozen=True)
class Server:
    """A mail server, read from SMTP_URL."""

    host: str
    port: int
    login: tuple[str, str] | None
    tls: Tls

    @classmethod
    def at(cls, url: str) -> Server:
        """Raises ValueError, without a password in it, when this is no such address."""
        try:
            parts = urlsplit(url)
            host, port, wish = parts.hostname or "", parts.port, parse_qs(parts.query).get("tls")
        except ValueError:
            host, wish = "", None
        if not host or parts.scheme not in PORTS or wish not in (None, ["off"]):
            raise ValueError("SMTP_URL must look like smtp://user:password@host:port")
        login = (unquote(parts.username or ""), unquote(parts.password or ""))
        if not "".join(login).isascii():
            raise ValueError("SMTP_URL has a user or password that is not ASCII")
        near = _is_near(host)
        tls: Tls = "always" if parts.scheme == "smtps" else "off" if near or wish else "starttls"
        port = port or (25 if near and parts.scheme == "smtp" else PORTS[parts.scheme])
        return cls(host, port, login if login[0] else None, tls)


def _is_near(host: str) -> bool:
    """Whether this is our own machine; a name that only begins like its address is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
