"""Whether the process lives, and whether what it stands on is there.

Strangers may ask, so the answer is a word for each thing that is missing; why, is in the log and
said by `./usher doctor`.
"""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from web import peers
from web.probes import Probe, mail_server_greets, redis_answers
from workflows.engine import seals
from workflows.engine.db import db
from workflows.engine.refusals import why_not
from workflows.engine.settings import settings

bp = Blueprint("health", __name__)
DOCTOR = "Usher-Doctor"
NOTE_LASTS = 60  # seconds


@bp.get("/healthz")
def alive() -> Any:
    """That the process lives; to our own doctor, also which address it is seen with."""
    asked = request.headers.get(DOCTOR, "")
    return {"alive": True} | ({"client": peers.address()} if _from_the_doctor(asked) else {})


def doctors_note() -> str:
    """What the doctor shows with a question: good for a minute, and made with our key only."""
    return seals.seal("doctor", int(time.time()))


def _from_the_doctor(note: str) -> bool:
    if not note or why_not(seals.unseal, "doctor", note):
        return False
    return abs(time.time() - seals.unseal("doctor", note)[0]) < NOTE_LASTS


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
