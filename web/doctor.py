"""What is wrong with this deployment, and what helps. It looks and changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workflows.engine.db import db, now
from workflows.engine.outbox import Letter
from workflows.engine.settings import settings

LATE = timedelta(minutes=1)


@dataclass
class Finding:
    """One thing looked at; `help` is empty where all is well."""

    what: str
    help: str = ""


def look() -> Iterator[Finding]:
    """Each thing in turn; where the database is away, what stands on it is not looked at."""
    database = _database()
    yield database
    if not database.help:
        yield _migrations()
        yield _letters()
    yield from _kept_files()
    if not settings().embedded and settings().billing == "pretend":
        yield Finding("billing", "It is pretend: whoever signs up gets seats with a test card.")
    for name, port in (("redis_url", 6379), ("smtp_url", 587)):
        if url := getattr(settings(), name):
            yield _answers(name.upper(), url, port)
    folder = settings().repository
    if folder and not (folder / "main" / "noarch" / "repodata.json").is_file():
        yield Finding("repository", f"{folder} has no main channel, which conda's clients ask for.")


def _database() -> Finding:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return Finding("database", f"It does not answer: {type(error).__name__}. See DATABASE_URL.")
    return Finding("database")


def _migrations() -> Finding:
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    done = MigrationContext.configure(db.session.connection()).get_current_heads()
    if set(done) == set(scripts.get_heads()):
        return Finding("migrations")
    return Finding("migrations", "They are not all done. Run the Procfile's release command.")


def _letters() -> Finding:
    waiting = db.select(db.func.count()).select_from(Letter).where(Letter.state == "pending")
    late = db.session.scalar(waiting.where(Letter.due_at < now() - LATE))
    if not late:
        return Finding("letters")
    return Finding("letters", f"{late} should have left by now. Is Usher (worker, clock) running?")


def _kept_files() -> Iterator[Finding]:
    if not settings().embedded:
        return
    for name in ("secret_key", "usher.db"):
        kept = settings().usher_home / name
        if kept.exists() and kept.stat().st_mode & 0o077:
            yield Finding(name, f"Others on this machine can read it: chmod 600 {kept}")
        else:
            yield Finding(name)


def _answers(name: str, url: str, usual_port: int) -> Finding:
    parts = urlsplit(url)
    place = (parts.hostname or "localhost", parts.port or usual_port)
    try:
        socket.create_connection(place, timeout=5).close()
    except OSError as error:
        return Finding(name, f"Nothing answers at {place[0]}:{place[1]}: {error.strerror or error}")
    return Finding(name)
