"""Resets: a forgotten password is set anew through a letter.

What would surprise a reader: asking writes the same rows for every address, known or not. Whether
anybody has it is looked up only when the letter is about to leave; if nobody has, it is moot.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Mapped, mapped_column

from workflows import accounts, log_ins
from workflows.accounts import Account
from workflows.engine import identity, limits, outbox
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.identity import network
from workflows.engine.refusals import NotNow
from workflows.engine.register import Made

WITHIN = timedelta(hours=2)
KEEP = timedelta(days=4)  # longer than a letter is tried
ASKED = "Letters were asked for with this address often enough. Look for the last one."
JUST_ASKED = "A letter to this address was asked for a moment ago."


class Wish(Base):
    """Somebody asked for a letter to this address; whether anybody has it is not said."""

    __tablename__ = "reset_wishes"

    id: Mapped[int] = mapped_column(primary_key=True)
    email_key: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)


def ask_reset(email: str, *, client: str = "", browser: str = "") -> None:
    """Mail a link for setting a new password, if there is an account; say nothing either way.

    As at log-in, a browser that this person uses has a count of its own: nobody elsewhere can use
    up the letters of its owner.
    """
    key = identity.parse_address(email)[1]
    if client:
        limits.count("again", "reset", key, network(client), sentence=JUST_ASKED)
        limits.count("forgot", network(client))
    limits.count("reset_letters", key, log_ins.place(key, browser), sentence=ASKED)
    remember_wish(key)


@command
def remember_wish(key: str) -> None:
    """The letter alone, for those who need not be limited."""
    wish = Wish(email_key=key, at=now())
    db.session.add(wish)
    db.session.flush()
    outbox.post("password_reset", about=wish)


def may_reset(account: Account, generation: int) -> None:
    """Refuse a reset link that was used, or is older than two hours."""
    if account.state != "active" or account.reset_round != generation:
        raise NotNow("This link was used already. Ask for a new one if you need it.")
    if account.reset_asked_at is None or now() - account.reset_asked_at > WITHIN:
        raise NotNow("This link is older than two hours. Ask for a new one.")


def reset_password(account: Account, generation: int, password: str) -> None:
    """Set a new password; every session of the account ends, as it knows the old round."""
    may_reset(account, generation)
    _set(account, generation, identity.hash_password(identity.parse_password(password)))


@command
def _set(account: Account, generation: int, password_hash: str) -> None:
    may_reset(lock(account), generation)
    set_password(account, password_hash)


def set_password(account: Account, password_hash: str) -> None:
    """Let this be the password: sessions that knew another end, and links for setting it."""
    account.password_hash, account.password_round = password_hash, account.password_round + 1
    void(account)


def void(account: Account) -> None:
    """Let no link be good that was mailed before."""
    account.reset_round, account.reset_asked_at = account.reset_round + 1, None


@command
def drop_stale() -> None:
    """Forget what was asked for days ago."""
    db.session.execute(delete(Wish).where(Wish.at < now() - KEEP))


def forget(key: str) -> None:
    """Keep no address that its account has no more; letters to it are moot."""
    db.session.execute(update(Wish).where(Wish.email_key == key).values(email_key=""))


@outbox.letter("password_reset", about=Wish, rationed=True)
def to_reset(wish: Wish, _: Any) -> Made:
    account = accounts.with_key(wish.email_key)
    if account is None or account.state != "active" or now() - wish.at > WITHIN:
        return None
    _renew(lock(account))
    assert account.reset_asked_at
    hours = max(1, round((account.reset_asked_at + WITHIN - now()) / timedelta(hours=1)))
    url = accounts.link("reset", account, account.reset_round)
    return account.email, {"name": account.name, "url": url, "hours": hours}


def _renew(account: Account) -> None:
    """A link that is still good for long is mailed again; an old one is never made good again."""
    asked_at = account.reset_asked_at
    if asked_at and now() - asked_at > WITHIN / 2:
        void(account)
    account.reset_asked_at = account.reset_asked_at or now()
