"""Under which names pages are served: that of BASE_URL and those of TRUSTED_HOSTS, no other.

What would surprise a reader: the gate and the repository, in front of Flask, ask nobody's name.
They are asked by proxies under names of their own, and believe nothing of it.
"""

from __future__ import annotations

from flask import Flask, g, request
from flask import session as cookie
from werkzeug import Response

from web import errors
from workflows.engine.settings import settings

ANY_NAME = {"health.alive", "health.ready"}  # a load balancer knows an address only


def register(app: Flask) -> None:
    """Refuse strange names before anything else is asked; the embedded mode has its own way."""
    if not app.extensions["usher"].embedded:
        app.before_request(_refuse_strangers)


def _refuse_strangers() -> Response | None:
    if request.endpoint in ANY_NAME or _name(request.host) in settings().hosts:
        return None
    g.session = g.account = None
    g.title = "This is not Usher's name"
    g.ways = [(f"Open {settings().base_url}", settings().base_url)]
    refusal = errors.answer(400, "Usher answers under its own name only. Nothing was changed.")
    cookie.modified = False  # a strange name gets no cookie
    return refusal


def _name(host: str) -> str:
    """The name without its port, which a proxy in front may have changed."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).strip("[]").lower().rstrip(".")
