"""The browser's door."""

from __future__ import annotations

from importlib import import_module

from flask import Flask
from flask_wtf import CSRFProtect

from web import deeds, errors, headers, hosts, never, rendering, row_ids, session, visits
from web.gate import Gate
from web.visits import Visits
from workflows.engine.app import bare_app
from workflows.engine.settings import Settings

# One module for each group of pages, each with its blueprint `bp`; the general addresses last.
PAGES = (
    "accounts",
    "profile",
    "address_changes",
    "health",
    "status",
    "rescues",
    "metrics",
    "mailrooms",
    "traces",
    "twins",
    "interventions",
    "mailbox",
    "letters",
    "invitations",
    "replies",
    "never",
    "organizations",
    "home",
    "members",
    "errands",
    "exports",
    "person",
    "guest_lists",
    "corrections",
    "waitlist",
    "subscriptions",
    "cancellations",
    "cards",
    "billing_contacts",
    "tokens",
    "activity",
    "settings",
    "logos",
    "ownership",
    "deeds",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The whole site on these settings, or on those of the environment."""
    app = bare_app(settings)
    settings = app.extensions["usher"]
    app.config.update(MAX_CONTENT_LENGTH=2_000_000, MAX_FORM_MEMORY_SIZE=2_000_000)
    app.config.update(MAX_FORM_PARTS=100, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.url_map.merge_slashes = False  # its redirects would believe the Host header
    app.url_map.converters["int"] = row_ids.RowId
    hosts.register(app)
    session.prepare(app, settings)
    csrf = CSRFProtect(app)
    errors.register(app)
    headers.register(app)
    visits.register(app)
    rendering.register(app)
    for name in PAGES:
        app.register_blueprint(import_module(f"web.{name}").bp)
    csrf.exempt(never.at_once)  # pressed by mail programs, which saw no page of ours
    deeds.require_declared(app)
    app.wsgi_app = Visits(Gate(app, app.wsgi_app))  # type: ignore[method-assign]
    return app
