"""Whether the process lives, and whether what it stands on is there.

Strangers may ask, so the answer is a word for each thing that is missing; why, is in the log and
said by `./usher doctor`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from web.probes import Probe, mail_server_greets, redis_answers
from workflows.engine.db import db
from workflows.engine.settings import settings

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Any:
    return {"alive": True}


@bp.get("/readyz")
def ready() -> Any:
    """Database, migrations, queue and mail; 503 names what is missing."""
    missing = [*_stored(), *(name for name, there in beside().items() if not there)]
    if missing:
        return {"ready": False, "missing": missing}, 503, {"Retry-After": "5"}
    return {"ready": True}


def _stored() -> list[str]:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return ["database"]
    try:
        done = set(db.session.scalars(text("SELECT version_num FROM alembic_version")))
    except SQLAlchemyError:
        return ["migrations"]
    return [] if done == _heads(current_app.extensions["migrate"].directory) else ["migrations"]


@cache
def _heads(folder: str) -> set[str]:
    return set(ScriptDirectory(folder).get_heads())


def beside() -> dict[str, bool]:
    """Whether what is not in the database is there; when embedded, it is here and in a folder."""
    redis_url, smtp_url = settings().redis_url, settings().smtp_url
    return {
        "queue": settings().embedded or _queue(redis_url)(),
        "mail": _mail(smtp_url)() if smtp_url else _writable(settings().usher_home),
    }


@cache
def _queue(url: str) -> Probe:
    return Probe("The queue", lambda: redis_answers(url))


@cache
def _mail(url: str) -> Probe:
    return Probe("The mail server", lambda: mail_server_greets(url))


def _writable(home: Path) -> bool:
    folder = home / "mail"
    return os.access(folder if folder.exists() else home, os.W_OK)
