"""What is wrong with this deployment, and what helps. It looks and changes nothing.

Advice is for whoever decides; help is needed where something does not work, or soon will not.
"""

from __future__ import annotations

import hmac
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from web import database_looks, public_looks
from workflows import restores
from workflows.engine import seals
from workflows.engine.db import db, now
from workflows.engine.findings import LOOKS, Finding, Look
from workflows.engine.letters import Letter
from workflows.engine.settings import Settings, settings
from workflows.tokens import Generation

LATE = timedelta(minutes=1)
SAMPLE = 20  # generations of each key
LEAST_SPACE = 500_000_000  # bytes


def look(reasons: Sequence[str] = ()) -> Iterator[Finding]:
    """Each thing in turn; `reasons` are those that keep Usher from starting."""
    yield from [Finding("settings", reason) for reason in reasons] or [Finding("settings")]
    for each in (_stored, _kept_files, _space, _offered, public_looks.look, *LOOKS):
        yield from _survived(each)


def _survived(each: Look) -> Iterator[Finding]:
    """What this look finds; one that breaks, on whatever it meets, leaves the others their turn."""
    try:
        yield from each(settings())
    except Exception as error:
        what = each.__name__.strip("_")
        yield Finding(what, f"It could not be looked at: {type(error).__name__}.")


def _stored(settings: Settings) -> Iterator[Finding]:
    """The database, and where it answers what stands in it."""
    if not settings.database_url:
        return
    found = list(database_looks.look(settings))
    yield from found
    if any(finding.what == "database" for finding in found):  # it cannot be asked
        return
    try:
        yield _migrations()
        yield _letters()
        yield from _keys()
        yield from _journal(settings)
    except SQLAlchemyError:
        yield Finding("tables", "They are not those of this Usher. Run the release command.")


def _migrations() -> Finding:
    scripts = ScriptDirectory(current_app.extensions["migrate"].directory)
    done = MigrationContext.configure(db.session.connection()).get_current_heads()
    if set(done) == set(scripts.get_heads()):
        return Finding("migrations")
    return Finding("migrations", "They are not all done. Run the Procfile's release command.")


def _letters() -> Finding:
    waiting = select(func.count()).select_from(Letter).where(Letter.state == "pending")
    late = db.session.scalar(waiting.where(Letter.due_at < now() - LATE))
    if not late:
        return Finding("letters")
    return Finding("letters", f"{late} should have left by now. Is Usher (worker, clock) running?")


def _keys() -> Iterator[Finding]:
    """Secrets that a letter may have to repeat can be made again, and come out the same."""
    repeatable = Generation.nonce.is_not(None)
    for name in db.session.scalars(select(Generation.key_id).where(repeatable).distinct()):
        newest = select(Generation).where(repeatable, Generation.key_id == name)
        rows = db.session.scalars(newest.order_by(Generation.id.desc()).limit(SAMPLE))
        if name not in settings().epochs:
            yield Finding("keys", f"TOKEN_KEYS has no key {name}, which mailed tokens need.")
        elif not all(_comes_out_the_same(row) for row in rows):
            other = f"Key {name} is another than tokens were mailed with: put the former back"
            yield Finding("keys", f"{other} (without TOKEN_KEYS it was SECRET_KEY: {name}=…).")
        else:
            yield Finding(f"key {name}")


def _comes_out_the_same(row: Generation) -> bool:
    if row.digest is None or row.nonce is None:
        return True
    secret = seals.make_secret("t", row.token_id, row.number, row.nonce, row.key_id)
    return hmac.compare_digest(row.digest, seals.digest(secret))


def _journal(settings: Settings) -> Iterator[Finding]:
    """What a restore needs to know of the time after the backup."""
    file = Path(settings.journal) if settings.journal else None
    if file is None:
        if not settings.embedded:
            none = "JOURNAL is not set: a restored backup would bring revoked tokens back."
            yield Finding("journal", none, advice=True)
    elif not file.exists():
        yield Finding("journal", f"There is no {file} here. Does the clock run, and on this host?")
    elif outlived := restores.outlived(file):
        older = f"{outlived} secrets pass that ended: the database is older than its journal."
        yield Finding("journal", f"{older} Stop Usher, run ./usher restored, start it.")
    else:
        yield Finding("journal")


def _kept_files(settings: Settings) -> Iterator[Finding]:
    """What nobody else on this machine may read."""
    kept = [settings.usher_home / "secret_key"] if settings.embedded else []
    if file := database_looks.file_of(settings):
        kept.append(file)
    for file in kept:
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding(file.name, f"Others on this machine can read it: chmod 600 {file}")
        elif file.exists():
            yield Finding(file.name)


def _space(settings: Settings) -> Iterator[Finding]:
    file = database_looks.file_of(settings)
    folder = settings.usher_home if settings.embedded else file.parent if file else None
    if folder and folder.is_dir():
        free = shutil.disk_usage(folder).free
        few = f"{free // 1_000_000} MB are left for {folder}. Make room before it is full."
        yield Finding("space", few if free < LEAST_SPACE else "")


def _offered(settings: Settings) -> Iterator[Finding]:
    """What people get: seats for money, packages for a token."""
    if not settings.embedded and settings.billing == "pretend":
        pretend = "It is pretend: whoever signs up gets seats with a test card."
        yield Finding("billing", pretend, advice=True)
    folder: Path | None = settings.repository
    if settings.repo_dir and not (folder and folder.is_dir() and os.access(folder, os.R_OK)):
        yield Finding("repository", f"REPO_DIR is {folder}, which is no folder Usher can read.")
    elif folder and folder.is_dir() and not (folder / "main/noarch/repodata.json").is_file():
        yield Finding("repository", f"{folder} has no main channel, which conda's clients ask for.")
