"""The bare Flask app that all doors stand on: settings and a database, no routes."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate  # type: ignore[import-untyped]

from workflows.engine.db import db
from workflows.engine.settings import Settings

ROOT = Path(__file__).parents[2]


def bare_app(settings: Settings | None = None) -> Flask:
    """An app on these settings, or on those of the environment; unsafe ones stop the process."""
    settings = settings or Settings()
    if reasons := settings.why_unsafe():
        sys.exit("Usher does not start:\n" + "\n".join(f"  - {reason}" for reason in reasons))
    app = Flask("usher", root_path=str(ROOT / "web"), template_folder=str(ROOT / "templates"))
    app.extensions["usher"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True, "hide_parameters": True},
    )
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    return app
