"""Silences: addresses that want no invitations, from one organization or from anybody.

What would surprise a reader: a row says neither whose it is nor against whom. It is found by the
keyed hash of both, so that a database in wrong hands, and any admin, learns nothing from it.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, db, now
from workflows.engine.identity import mailbox
from workflows.engine.refusals import NotNow
from workflows.engine.settings import settings

UNWANTED = "This person does not want invitations."
ANYBODY = 0  # in the place of an organization's id
IN_ONE_GO = 5_000  # keys that one query asks for
KEEP = text("INSERT INTO silences (key, at) VALUES (:key, :at) ON CONFLICT (key) DO NOTHING")


class Silence(Base):
    __tablename__ = "silences"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    at: Mapped[datetime]


def begin(organization_id: int, email_key: str) -> None:
    """From now on nothing but an answer to them leaves for this mailbox; twice is once."""
    key = next(iter(_keys(organization_id, email_key)))
    kept = KEEP.bindparams(key=key).columns()
    db.session.execute(kept, {"at": now()})


def end(organization_id: int, email_key: str) -> None:
    """Let invitations reach this mailbox again."""
    mine = Silence.key.in_(list(_keys(organization_id, email_key)))
    db.session.execute(delete(Silence).where(mine))


def kept(organization_id: int, email_key: str) -> bool:
    """Whether this very silence is kept; one against anybody is another."""
    mine = Silence.key.in_(list(_keys(organization_id, email_key)))
    return db.session.scalar(select(Silence.key).where(mine).limit(1)) is not None


def among(organization_id: int, email_keys: Collection[str]) -> set[str]:
    """Which of these addresses want nothing from this organization."""
    whose = {
        key: email_key
        for email_key in email_keys
        for place in (ANYBODY, organization_id)
        for key in _keys(place, email_key)
    }
    keys = list(whose)
    found = set[str]()
    for first in range(0, len(keys), IN_ONE_GO):
        some = Silence.key.in_(keys[first : first + IN_ONE_GO])
        found.update(whose[key] for key in db.session.scalars(select(Silence.key).where(some)))
    return found


def require_wanted(organization_id: int, email_key: str) -> None:
    """The rule behind every letter that invites."""
    if among(organization_id, [email_key]):
        raise NotNow(UNWANTED)


def _keys(organization_id: int, email_key: str) -> Iterable[bytes]:
    """What this silence is found by: under the secret key first, then under former ones."""
    subject = repr((organization_id, mailbox(email_key))).encode()
    for secret in (current_app.config["SECRET_KEY"], *settings().old_keys):
        ours = hmac.digest(secret.encode(), b"usher/silences/v1", "sha256")
        yield hmac.digest(ours, subject, "sha256")
