"""Operators: who runs Usher, sees all of it, and may move what is stuck.

What would surprise a reader: an operator is no member of any organization. Where one acts for an
organization, the same commands run as for its admins, with the rules of the machines; only the
question who may is answered here, and history tells that it was an operator, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from workflows import accounts
from workflows.accounts import Account
from workflows.engine import history, identity
from workflows.engine.db import command, db, lock
from workflows.engine.refusals import Invalid, NotAllowed, NotFound, NotNow

LONGEST_WHY = 200


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
    account = accounts.with_key(identity.parse_address(email)[1])
    if account is None:
        raise NotNow("There is no account with this address yet. Sign up first.")
    lock(account)
    return account


def all_of_them() -> Sequence[Account]:
    """Everybody who may see the status page, in the order in which they signed up."""
    mine = select(Account).where(Account.operator, Account.state == "active")
    return db.session.scalars(mine.order_by(Account.id)).all()


def require_operator(by: Account | None) -> Account:
    """Refuse everybody else, who are not told that there is something to see."""
    if by is None or not by.operator or by.state != "active":
        raise NotFound("The address may be mistyped, or the page is not for you.")
    return by


def require_acting(by: Account | None) -> Account:
    """Refuse operators who may only look."""
    operator = require_operator(by)
    if not operator.acting:
        raise NotAllowed("You may look at everything here, and change nothing.")
    return operator


def require_reason(by: Account | None) -> Account:
    """Refuse whoever is no acting operator who has given a reason, as in `act`."""
    operator = require_acting(by)
    if not history.is_an_operators():
        raise NotAllowed("Only an operator may do this, and says why.")
    return operator


def reason(why: str) -> str:
    """The reason as it goes into history, for everybody whom it concerns to read."""
    words = " ".join(why.split())
    if not words:
        raise Invalid(why="Say why. It goes into history, where their admins read it.")
    if len(words) > LONGEST_WHY or not words.isprintable():
        raise Invalid(why=f"At most {LONGEST_WHY} characters, please, that can be printed.")
    return words.rstrip(".")


@command
def act(deed: Callable[..., Any], *about: Any, by: Account, why: str) -> Any:
    """Let an operator do for an organization what else its admins do."""
    require_acting(by)
    history.as_operator(reason(why), deed)
    return deed(*about, by=by)
