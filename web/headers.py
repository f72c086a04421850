"""What every answer says about itself to the browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug import Response

from workflows.engine.settings import settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Addresses of letters hold what opens them: no other page, not even ours, may learn of it.
SEALED = (
    "/join", "/signup/", "/reset", "/never", "/profile/address/confirm", "/profile/address/undo",
)  # fmt: skip


def register(app: Flask) -> None:
    app.after_request(_add)


def _add(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    sealed = request.path.startswith(SEALED)
    response.headers.setdefault("Referrer-Policy", "no-referrer" if sealed else "same-origin")
    if request.endpoint == "static" and response.status_code < 400:
        response.headers["Cache-Control"] = _keep()
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    if urlsplit(settings().base_url).scheme == "https":
        response.headers.setdefault("Strict-Transport-Security", "max-age=63072000")
    return response


def _keep() -> str:
    """An address with a version is another one when the file is another: it may be kept."""
    return "public, max-age=31536000, immutable" if "v" in request.args else "public, max-age=3600"
