"""Silences: mailboxes that want no invitations, from anybody.

What would surprise a reader: only the post room asks. Whoever invites is told what they are told
of every address, and the letter is kept back: else anybody could try out who was ever invited
through this site. A row does not say whose it is; it is found by a keyed hash.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, db, now
from workflows.engine.identity import mailbox, parse_address
from workflows.engine.settings import settings

KEEP = text("INSERT INTO silences (key, at) VALUES (:key, :at) ON CONFLICT (key) DO NOTHING")


class Silence(Base):
    __tablename__ = "silences"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    at: Mapped[datetime]


def begin(email_key: str) -> None:
    """From now on no letter that invites leaves for this mailbox; twice is once."""
    kept = KEEP.bindparams(key=_keys(email_key)[0]).columns()
    db.session.execute(kept, {"at": now()})


def end(email_key: str) -> None:
    """Let invitations reach this mailbox again."""
    db.session.execute(delete(Silence).where(Silence.key.in_(_keys(email_key))))


def holds(email_key: str) -> bool:
    """Whether this mailbox wants no invitations."""
    mine = select(Silence.key).where(Silence.key.in_(_keys(email_key)))
    return db.session.scalar(mine.limit(1)) is not None


def unwanted(address: str) -> bool:
    """The same for an address as it is written on a letter."""
    return holds(parse_address(address)[1])


def _keys(email_key: str) -> list[bytes]:
    """What a silence is found by: under the secret key first, then under former ones."""
    subject = mailbox(email_key).encode()
    secrets = (current_app.config["SECRET_KEY"], *settings().old_keys)
    ours = (hmac.digest(secret.encode(), b"usher/silences/v1", "sha256") for secret in secrets)
    return [hmac.digest(key, subject, "sha256") for key in ours]
