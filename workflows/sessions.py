"""Sessions: what Usher remembers of one browser, on the server.

The browser holds a random secret, the row its digest. Only somebody who logged in has a session:
what a browser without one has opened is noted in its cookie (`web/session.py`).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ForeignKey, delete, inspect, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import bounces
from workflows.accounts import Account
from workflows.engine import seals
from workflows.engine.db import Base, command, db, now
from workflows.engine.settings import settings

IDLE, LONGEST = timedelta(hours=24), timedelta(days=14)
NOTED_EVERY = timedelta(minutes=5)


class Session(Base):
    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    password_round: Mapped[int] = mapped_column(default=0)
    notes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    browser: Mapped[str | None]  # in our words, such as “Firefox on Linux”
    network: Mapped[str | None]  # roughly: as in `identity.surroundings`
    proved_at: Mapped[datetime | None]  # when the password, or a link, last proved who this is

    account: Mapped[Account | None] = relationship()


@command
def open_session(account: Account, *, browser: str = "", network: str = "") -> str:
    """Begin a session and answer its secret; it ends by itself when the password is set anew."""
    secret = secrets.token_urlsafe(32)
    moment = now()
    opened = Session(
        digest=seals.digest(secret), account_id=account.id, password_round=account.password_round,
        begun_at=moment, seen_at=moment, proved_at=moment, browser=browser, network=network,
    )  # fmt: skip
    db.session.add(opened)
    bounces.forget(account.id)
    return secret


def of_account(account: Account) -> list[Session]:
    """Where the person is logged in, the last seen first."""
    theirs = select(Session).filter_by(account_id=account.id).order_by(Session.seen_at.desc())
    return [found for found in db.session.scalars(theirs) if _lives(found)]


def session_of(secret: str) -> Session | None:
    """The living session with this secret, None if there is none."""
    found = db.session.scalar(select(Session).filter_by(digest=seals.digest(secret)))
    return found if found and _lives(found) else None


def _lives(session: Session) -> bool:
    moment, account = now(), session.account
    if moment - session.seen_at > IDLE or moment - session.begun_at > LONGEST:
        return False
    if account is None:  # earlier versions gave sessions to strangers too
        return False
    return account.state == "active" and account.password_round == session.password_round


def see(session: Session) -> None:
    """Remember that the session is in use, but not at every request: a page view is a read."""
    if now() - session.seen_at > NOTED_EVERY:
        _touch(session)


@command
def _touch(session: Session) -> None:
    session.seen_at = now()
    bounces.forget(session.account_id or 0)


@command
def prove(session: Session) -> str:
    """The password was typed again: the same session goes on under a new secret."""
    secret = secrets.token_urlsafe(32)
    session.digest, session.proved_at = seals.digest(secret), now()
    return secret


def is_fresh(session: Session, secret: str) -> bool:
    """Whether it was proved just now who this is, so that nobody has to be asked again.

    Who asks by a secret of before, and at that very moment, is not who typed the password.
    """
    proved_at, patience = session.proved_at, timedelta(minutes=settings().proof_minutes)
    lately = proved_at is not None and now() - proved_at < patience
    return lately and session.digest == seals.digest(secret)


@command
def note(session: Session, **notes: Any) -> None:
    """Remember these, and forget those that are None."""
    merged = {**session.notes, **notes}
    session.notes = {key: value for key, value in merged.items() if value is not None}


@command
def close_session(session: Session) -> None:
    """Forget it, also when another request of the same browser just did."""
    identity = inspect(session).identity  # its columns can no longer be read if it is gone
    db.session.execute(delete(Session).where(Session.id == (identity or (0,))[0]))


@command
def end(session_id: int, *, by: Account) -> None:
    """Log out another browser of the same person; a number of nobody's ends nothing."""
    theirs = delete(Session).where(Session.id == session_id, Session.account_id == by.id)
    db.session.execute(theirs)


@command
def end_others(session: Session) -> None:
    """Log out everywhere but here."""
    assert session.account
    end_all(session.account, but=session)


def end_all(account: Account, *, but: Session | None = None) -> None:
    """Log the person out everywhere, or everywhere but in this browser."""
    theirs = delete(Session).where(Session.account_id == account.id)
    db.session.execute(theirs.where(Session.id != (but.id if but else 0)))


@command
def drop_stale() -> None:
    """Forget sessions that nobody has used for a day."""
    stale = delete(Session).where(Session.seen_at < now() - IDLE)
    db.session.execute(stale)
