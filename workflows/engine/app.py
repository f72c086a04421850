"""The bare Flask app that all doors stand on: settings and a database, no routes."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError

from workflows.engine import safety
from workflows.engine.db import db
from workflows.engine.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE = 3  # seconds for a database to take a connection; a host that is gone says nothing


def bare_app(settings: Settings | None = None) -> Flask:
    """An app on these settings, or on those of the environment; unsafe ones stop the process."""
    if settings is None:
        settings, reasons = safety.examine()
    else:
        reasons = safety.why_unsafe(settings)
    if reasons:
        sys.exit("Usher does not start:\n" + "\n".join(f"  - {reason}" for reason in reasons))
    return app_on(settings)


def app_on(settings: Settings) -> Flask:
    """An app on these settings, however unsafe."""
    app = Flask("usher", root_path=str(ROOT / "web"), template_folder=str(ROOT / "templates"))
    app.extensions["usher"] = settings
    patient = {"connect_timeout": PATIENCE} if settings.database_url.startswith("postgres") else {}
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=settings.old_keys,
        SQLALCHEMY_DATABASE_URI=settings.database_url or "sqlite://",
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_pre_ping": True,
            "hide_parameters": True,
            "connect_args": patient,
        },
    )
    db.init_app(app)
    app.teardown_appcontext(_let_go)  # before the one of Flask-SQLAlchemy
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    return app


def _let_go(_: BaseException | None) -> None:
    """End the session, also when the database went meanwhile: the answer is made by now."""
    try:
        db.session.remove()
    except DBAPIError:  # the connection is known to be broken, and nobody gets it again
        db.session.registry.clear()
