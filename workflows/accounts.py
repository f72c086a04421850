"""Accounts: people, known by an e-mail address that they have proved.

    sign-up   waiting ── confirm ─▶ confirmed          account   active ── close ─▶ closed
                 └────── drop ────▶ dropped

A sign-up is not an account: until somebody opens the letter it is only a name, an address and a
password waiting. Whoever proves the address first gets the account; the other sign-ups for it, and
their passwords, are dropped. So nobody can prepare an account for somebody else's address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, false, select
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine import identity, limits, outbox, seals
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.identity import mailbox, network
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotNow, all_of
from workflows.engine.settings import settings

CONFIRM_WITHIN = timedelta(hours=48)
ASKED = "Letters were asked for with this address often enough. Look for them first."
JUST_ASKED = "A letter to this address was asked for a moment ago. Look for it first."


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
        index_of_few("waiting_sign_ups", "since", "state = 'waiting'"),
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
        limits.count("sign_up_letters", mailbox(key), network(client), sentence=ASKED)
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
def confirm(waiting: SignUp) -> Account:
    """Make the account of whoever opened the letter, and drop all other sign-ups for it."""
    lock(*{one.id: one for one in [waiting, *_waiting_for(waiting.email_key)]}.values())
    waiting.fire("confirm", by=None)
    if with_key(waiting.email_key):
        raise NotNow("There is an account with this address already. You can log in.")
    hashed, waiting.password_hash = waiting.password_hash, None
    assert hashed
    return _open(waiting.name, waiting.email, waiting.email_key, hashed)


def _open(name: str, spelling: str, key: str, password_hash: str) -> Account:
    """The account of an address that was proved; what others typed for it is forgotten."""
    account = Account.begin(
        name=name, email=spelling, email_key=key, password_hash=password_hash, by=None
    )
    for other in _waiting_for(key):
        lock(other).fire("drop", by=None, password_hash=None)
    return account


def may_confirm(waiting: SignUp) -> None:
    """The rule behind Confirm Email."""
    waiting.rehearse("confirm", by=None)


def confirm_elsewhere(waiting: SignUp, password: str) -> Account:
    """Confirm in a browser that did not sign up: there, only who knows the password may."""
    may_confirm(waiting)
    if not identity.verify(waiting.password_hash, password):
        raise Invalid(password="This is not the password that was typed at sign-up.")
    return confirm(waiting)


def _waiting_for(key: str) -> Sequence[SignUp]:
    theirs = select(SignUp).filter_by(email_key=key, state="waiting").order_by(SignUp.id)
    return db.session.scalars(theirs).all()


def prepared(name: str, password: str) -> tuple[str, str]:
    """The name as it will be shown and the password as it will be kept; it takes its time."""
    name, password = all_of(
        lambda: identity.parse_name(name), lambda: identity.parse_password(password)
    )
    return name, identity.hash_password(password)


@command
def create_proved(name: str, spelling: str, key: str, password_hash: str) -> Account:
    """An account for somebody who holds a letter to this address: it needs no other proof."""
    lock(*_waiting_for(key))
    if with_key(key):
        raise NotNow("You already have an account. Log in with it.")
    return _open(name, spelling, key, password_hash)


def check(email: str, password: str) -> Account:
    """The account with this address and password; the same `Invalid` whichever is wrong."""
    try:
        account = with_key(identity.parse_address(email)[1])
    except Invalid:
        account = None
    matches = identity.verify(account.password_hash if account else None, password)
    if account is None or not matches or account.state != "active":
        raise Invalid(password="This address and password do not belong together.")
    return account


@command
def make_operator(email: str, *, acting: bool = True) -> Account:
    """Let this account see the status page, and act there; only the command line may do it."""
    account = _known(email)
    account.operator, account.acting = True, acting
    return account


@command
def unmake_operator(email: str) -> Account:
    """Close the status page to this account again."""
    account = _known(email)
    if not account.operator:
        raise NotNow(f"{account.name} is no operator.")
    account.operator = account.acting = False
    return account


def _known(email: str) -> Account:
    account = with_key(identity.parse_address(email)[1])
    if account is None:
        raise NotNow("There is no account with this address yet. Sign up first.")
    lock(account)
    return account


@command
def drop_stale() -> None:
    """Drop sign-ups that nobody confirmed within two days."""
    old = select(SignUp).where(SignUp.state == "waiting", SignUp.since < now() - CONFIRM_WITHIN)
    for waiting in db.session.scalars(old.with_for_update(skip_locked=True)):
        waiting.fire("drop", by=None, password_hash=None)


def with_key(key: str) -> Account | None:
    return db.session.scalar(select(Account).filter_by(email_key=key))


@outbox.letter("confirm_sign_up", about=SignUp, rationed=True)
def to_confirm(waiting: SignUp, _: Any) -> tuple[str, dict[str, Any]] | None:
    if waiting.state != "waiting":
        return None
    return waiting.email, {"name": waiting.name, "url": link("signup", waiting)}


@outbox.letter("sign_up_known", about=SignUp, rationed=True)
def to_known(waiting: SignUp, _: Any) -> tuple[str, dict[str, Any]] | None:
    account = with_key(waiting.email_key)
    if account is None or account.state != "active":
        return None
    urls = {f"{page}_url": f"{settings().base_url}/{page}" for page in ("login", "forgot")}
    return account.email, {"name": account.name, **urls}


def link(purpose: str, row: Any, generation: int = 0) -> str:
    return f"{settings().base_url}/{purpose}/{seals.seal(purpose, row.id, generation)}"
