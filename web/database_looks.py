"""The doctor's looks at the database: does it answer, in which version, and is its clock right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from workflows.engine.db import db
from workflows.engine.findings import Finding
from workflows.engine.settings import LOOPBACK, Settings

LARGEST_SKEW = 5  # seconds
OLDEST = 14  # the oldest version of PostgreSQL that its makers still mend


def file_of(settings: Settings) -> Path | None:
    """SQLite's file."""
    if not settings.database_url.startswith("sqlite"):
        return None
    return Path(str(make_url(settings.database_url).database))


def look(settings: Settings) -> Iterator[Finding]:
    """A finding called `database` says that it cannot be asked."""
    file = file_of(settings)
    if file and not file.exists():
        begin = "./usher up" if settings.embedded else "the Procfile's release command"
        yield Finding("database", f"There is none yet: {begin} makes it.")
        return
    try:
        yield from _sqlite(settings) if file else _postgresql(settings)
    except SQLAlchemyError as error:
        db.session.rollback()
        why = type(error).__name__
        yield Finding("database", f"It does not answer ({why}). See DATABASE_URL.")


def _sqlite(settings: Settings) -> Iterator[Finding]:
    version, mode = _ask("SELECT sqlite_version()"), _ask("PRAGMA journal_mode")
    yield Finding(f"SQLite {version}")
    if mode != "wal":
        sentence = f"Its journal is {mode}, not wal: put the file on a local disk."
        yield Finding("journal", sentence)
    if not settings.embedded:
        alone = "SQLite is for one machine: all processes on it, the file on its own disk."
        yield Finding("one machine", alone, advice=True)


def _postgresql(settings: Settings) -> Iterator[Finding]:
    before = datetime.now(UTC)
    theirs = db.session.scalar(text("SELECT clock_timestamp()"))
    after = datetime.now(UTC)
    version, encoding = _ask("SHOW server_version"), _ask("SHOW server_encoding")
    old = f"Version {version} is not mended any more. Use {OLDEST} or newer."
    yield Finding(f"PostgreSQL {version}", old if int(version.split(".")[0]) < OLDEST else "")
    if encoding != "UTF8":
        sentence = f"It is {encoding}: make a database with ENCODING 'UTF8', and move there."
        yield Finding("encoding", sentence)
    seconds = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0)
    wrong = f"It differs from the database's by {seconds:.0f} s. Let NTP set both."
    yield Finding("clock", wrong if seconds > LARGEST_SKEW else "")
    host = make_url(settings.database_url).host
    if host and host not in LOOPBACK and not _encrypted():
        plain = "The connection is not encrypted: add ?sslmode=verify-full to DATABASE_URL."
        yield Finding("database TLS", plain, advice=True)


def _encrypted() -> bool:
    return _ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "True"


def _ask(question: str) -> str:
    return str(db.session.scalar(text(question)))
