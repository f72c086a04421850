"""Profiles: what people change about themselves at once: their name, their password."""

from __future__ import annotations

from typing import Any

from workflows import accounts, log_ins, resets, sessions
from workflows.accounts import Account
from workflows.engine import history, identity, outbox
from workflows.engine.db import command
from workflows.engine.refusals import Invalid, NotNow, all_of
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.sessions import Session


@command
def rename(name: str, *, by: Account) -> None:
    """Be called otherwise from now on, on every line and in every letter."""
    name = identity.parse_name(name)
    if accounts.hold(by).name == name:
        return
    by.name = name
    history.note(None, by=by)  # without the names: history outlives the person
    history.moved(by.__tablename__, by.id)


def change_password(here: Session, old: str, new: str, *, client: str, browser: str = "") -> None:
    """Set a new password by the old one, and log out everywhere but `here`; guesses are counted."""
    account = here.account
    assert account
    known = account.password_hash

    def old_one() -> None:
        if not old:
            raise Invalid(old_password="Type your present password.")
        if not log_ins.proves(account, old, client=client, browser=browser):
            raise Invalid(old_password="This is not your password.")

    _, new = all_of(old_one, lambda: identity.parse_password(new))
    _set(here, known, identity.hash_password(new), by=account)


@command
def _set(here: Session, known: str, password_hash: str, *, by: Account) -> None:
    if accounts.hold(by).password_hash != known:
        raise NotNow("Your password was changed a moment ago, in another window or by mail.")
    resets.set_password(by, password_hash)
    sessions.end_all(by, but=here)
    here.password_round = by.password_round
    history.note(None, by=by)
    outbox.post("password_changed", about=by, generation=by.password_round)


@outbox.letter("password_changed", about=Account)
def to_person(account: Account, _: Any) -> Made:
    if account.state != "active":
        return None
    return account.email, {"name": account.name, "url": f"{settings().base_url}/forgot"}
