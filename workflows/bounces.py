"""Bounces: accounts whose mail server refused the last letter to them for good.

What would surprise a reader: it is no record. A bounce is forgotten as soon as a letter to the
person is taken, the person is seen, or the address is another one; so whoever has one cannot be
reached now, as far as Usher knows. Operators alone are shown it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from workflows.accounts import Account, with_key
from workflows.engine import addressees, sets
from workflows.engine.db import Base, command, db, now
from workflows.engine.identity import domain_of, key_of
from workflows.engine.letters import cause_of


class Bounce(Base):
    __tablename__ = "bounces"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]  # of the first letter that was refused
    cause: Mapped[str]  # in words that accounts share which are refused alike


@addressees.on_refusal
def remember(to: str, reply: str) -> None:
    """Note that letters to this address do not arrive, if it is the address of an account."""
    account = with_key(key_of(to) or "")
    if account and not db.session.get(Bounce, account.id):
        cause = f"{cause_of(reply)} ({domain_of(to)})"
        db.session.add(Bounce(account_id=account.id, at=now(), cause=cause))


@addressees.on_taking
def forget_addresses(addresses: Collection[str]) -> None:
    """Letters arrive here again. One look for a whole batch: hardly ever is there anything."""
    keys = [key for one in addresses if (key := key_of(one))]
    theirs = select(Bounce.account_id).join(Account).where(Account.email_key.in_(keys))
    for account_id in db.session.scalars(theirs).all():
        forget(account_id)


@command
def forget(account_id: int) -> None:
    """Whoever is here, or has another address, can be reached."""
    db.session.execute(delete(Bounce).where(Bounce.account_id == account_id))


def of(account_ids: Collection[int]) -> dict[int, Bounce]:
    """By account, of those that cannot be reached: since when, and why."""
    theirs = select(Bounce).where(sets.among(Bounce.account_id, account_ids))
    return {bounce.account_id: bounce for bounce in db.session.scalars(theirs)}
