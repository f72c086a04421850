"""Who is at the other end of the line, as far as an address tells."""

from __future__ import annotations

from flask import request


def address() -> str:
    """The address of the client, empty when the server does not know it."""
    return request.remote_addr or ""
