"""Accounts: people, known by an e-mail address that they have proved.

    sign-up   waiting ── confirm ─▶ confirmed          account   active ── close ─▶ closed
                 └────── drop ────▶ dropped

A sign-up is not an account: until somebody opens the letter it is only a name, an address and a
password waiting. Whoever proves the address first gets the account, whoever caused the letter; all
sign-ups for it end. So nobody can prepare an account for somebody else's address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, false, select, update
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine import identity, limits, outbox, seals
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.identity import network, rationed_as
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotNow, all_of
from workflows.engine.settings import settings

CONFIRM_WITHIN = timedelta(hours=48)
ASKED = "Letters were asked for with this address often enough. Look for them first: any will do."
JUST_ASKED = "A letter to this address was asked for a moment ago. Look for it first."
CLOSED = "Closed account"  # what the person of a closed account is called


class SignUpMachine(Machine):
    waiting = State(initial=True)
    confirmed = State(final=True)
    dropped = State(final=True)

    confirm = waiting.to(confirmed)
    drop = waiting.to(dropped)


class SignUp(Stateful, Base):
    __tablename__ = "sign_ups"
    __table_args__ = (
        Index(None, "email_key"),
        index_of_few("waiting_sign_ups", "since", which="state = 'waiting'"),
    )  # fmt: skip
    machine = SignUpMachine

    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    password_hash: Mapped[str | None]

    def no_arrow(self, event: str) -> str:
        if self.state == "confirmed":
            return "This address is confirmed already. You can log in."
        return "This link is too old. Sign up again to get a new one."


class AccountMachine(Machine):
    active = State(initial=True)
    closed = State(final=True)

    close = active.to(closed)


class Account(Stateful, Base):
    __tablename__ = "accounts"
    __table_args__ = (  # how PostgreSQL finds an address by its beginning, in whatever language
        Index("accounts_by_address", "email_key",
              postgresql_ops={"email_key": "text_pattern_ops"}).ddl_if(dialect="postgresql"),
    )  # fmt: skip
    machine = AccountMachine

    name: Mapped[str]
    email: Mapped[str]  # as the person writes it; mail goes there
    email_key: Mapped[str] = mapped_column(unique=True)  # the same address, normalised by us
    password_hash: Mapped[str]
    password_round: Mapped[int] = mapped_column(default=0)  # how often it was set anew
    reset_round: Mapped[int] = mapped_column(default=0)  # which link for setting it is good
    reset_asked_at: Mapped[datetime | None]
    operator: Mapped[bool] = mapped_column(default=False)  # may see all of Usher
    acting: Mapped[bool] = mapped_column(default=False, server_default=false())  # and move it


def sign_up(name: str, email: str, password: str, *, client: str = "") -> SignUp:
    """Remember the sign-up and mail its link; to a known address, the way to log in instead.

    The work and the answer are the same either way. `client` is an address, where there is one.
    """
    name, (spelling, key), password = all_of(
        lambda: identity.parse_name(name),
        lambda: identity.parse_address(email),
        lambda: identity.parse_password(password),
    )
    if client:
        limits.count("again", "sign-up", key, network(client), sentence=JUST_ASKED)
        limits.count("sign_up", network(client))
        limits.count("sign_up_letters", rationed_as(key), network(client), sentence=ASKED)
    hashed = identity.hash_password(password)  # slow, so before the transaction
    return remember_sign_up(name, spelling, key, hashed)


@command
def remember_sign_up(name: str, spelling: str, key: str, password_hash: str) -> SignUp:
    waiting = SignUp.begin(
        name=name, email=spelling, email_key=key, password_hash=password_hash, by=None
    )
    outbox.post("sign_up_known" if with_key(key) else "confirm_sign_up", about=waiting)
    return waiting


@command
def confirm(waiting: SignUp, mine: SignUp | None = None) -> Account:
    """Make the account of whoever opened this letter; every sign-up for its address ends.

    Name and password are those of `mine`, which the same browser typed, where it is another one.
    """
    chosen = mine or waiting
    _hold_all_for(waiting)
    chosen.rehearse("confirm", by=None)
    assert chosen.password_hash
    return _prove(waiting, chosen.name, chosen.email, chosen.password_hash)


def confirm_anew(waiting: SignUp, name: str, password: str) -> Account:
    """Confirm in a browser that did not sign up: what a stranger may have typed is forgotten."""
    may_confirm(waiting)
    name, hashed = prepared(name, password, "sign-up", waiting.id)
    return _confirm_anew(waiting, name, hashed)


@command
def _confirm_anew(waiting: SignUp, name: str, password_hash: str) -> Account:
    _hold_all_for(waiting)
    return _prove(waiting, name, waiting.email, password_hash)


def _hold_all_for(waiting: SignUp) -> None:
    lock(*{one.id: one for one in [waiting, *waiting_for(waiting.email_key)]}.values())


def _prove(waiting: SignUp, name: str, spelling: str, password_hash: str) -> Account:
    waiting.fire("confirm", by=None, password_hash=None)
    require_new(waiting.email_key, "There is an account with this address already. You can log in.")
    return _open(name, spelling, waiting.email_key, password_hash)


def _open(name: str, spelling: str, key: str, password_hash: str) -> Account:
    """The account of an address that was proved."""
    account = Account.begin(
        name=name, email=spelling, email_key=key, password_hash=password_hash, by=None
    )
    drop_sign_ups(key)
    return account


def drop_sign_ups(key: str) -> None:
    """Forget what others typed to have this address."""
    for other in waiting_for(key):
        lock(other).fire("drop", by=None, password_hash=None)


def may_confirm(waiting: SignUp) -> None:
    """The rule behind Confirm Email."""
    waiting.rehearse("confirm", by=None)


def forget_sign_ups(key: str) -> None:
    """Keep nothing of the sign-ups for this address that have ended."""
    ended = update(SignUp).where(SignUp.email_key == key, SignUp.state != "waiting")
    db.session.execute(ended.values(name="", email="", email_key=""))


def waiting_for(key: str) -> Sequence[SignUp]:
    """The sign-ups for this address that nobody has confirmed."""
    theirs = select(SignUp).filter_by(email_key=key, state="waiting").order_by(SignUp.id)
    return db.session.scalars(theirs).all()


def prepared(name: str, password: str, *link: Any) -> tuple[str, str]:
    """The name as it will be shown and the password as it will be kept; it takes its time.

    So whoever holds a link, whose row is named by `link`, may ask for it only so often.
    """
    name, password = all_of(
        lambda: identity.parse_name(name), lambda: identity.parse_password(password)
    )
    limits.count("sign_up", "link", *link)
    return name, identity.hash_password(password)


@command
def create_proved(name: str, spelling: str, key: str, password_hash: str) -> Account:
    """An account for somebody who holds a letter to this address: it needs no other proof."""
    lock(*waiting_for(key))
    require_new(key)
    return _open(name, spelling, key, password_hash)


def require_new(key: str, sentence: str = "You already have an account. Log in with it.") -> None:
    """Refuse an address that has an account; for whoever proved to read its mail."""
    if with_key(key):
        raise NotNow(sentence)


def check(email: str, password: str) -> Account:
    """The account with this address and password; the same `Invalid` whichever is wrong."""
    key = identity.key_of(email)
    account = with_key(key) if key else None
    matches = identity.verify(account.password_hash if account else None, password)
    if account is None or not matches or account.state != "active":
        raise Invalid(password="This address and password do not belong together.")
    return account


def hold(account: Account) -> Account:
    """Lock the account of whoever is about to own, join or become something.

    Refused once it is closed.
    """
    if lock(account).state != "active":
        raise NotNow("This account is closed.")
    return account


@command
def drop_stale() -> None:
    """Drop sign-ups that nobody confirmed within two days."""
    old = select(SignUp).where(SignUp.state == "waiting", SignUp.since < now() - CONFIRM_WITHIN)
    for waiting in db.session.scalars(old.with_for_update(skip_locked=True)):
        waiting.fire("drop", by=None, password_hash=None)


def with_key(key: str) -> Account | None:
    return db.session.scalar(select(Account).filter_by(email_key=key))


def link(purpose: str, row: Any, generation: int = 0) -> str:
    return f"{settings().base_url}/{purpose}/{seals.seal(purpose, row.id, generation)}"
