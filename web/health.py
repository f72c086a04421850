"""Whether the process lives, and whether what it stands on is there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workflows.engine.db import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Any:
    return {"alive": True}


@bp.get("/readyz")
def ready() -> Any:
    """Database and migrations; 503 names what is missing."""
    try:
        db.session.execute(text("SELECT version_num FROM alembic_version")).one()
    except SQLAlchemyError:
        return {"ready": False, "missing": "database or its migrations"}, 503, {"Retry-After": "5"}
    return {"ready": True}
