"""Log-ins: who knows the password, and how often others may guess it.

What would surprise a reader: a browser in which somebody has logged in to an account before has a
count of its own. So whoever keeps guessing elsewhere cannot lock the owner out, and all the world
together guesses at an address no more often than one browser.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workflows import accounts
from workflows.accounts import Account
from workflows.engine import limits
from workflows.engine.identity import key_of, network, verify
from workflows.engine.refusals import Invalid

FAMILIAR = timedelta(days=14)  # as long as the browser remembers its name
Try = tuple[Any, ...]


def log_in(email: str, password: str, *, client: str, browser: str = "") -> Account:
    """The account with this address and password. Only wrong passwords are counted in the end.

    `client` is a network address, `browser` a name that we once gave to this one.
    """
    _require_typed(password)
    tries = _tries(_key(email), client, browser)
    _count(tries)
    account = accounts.check(email, password)  # a refusal leaves it counted
    _give_back(tries)
    make_familiar(account, browser=browser)
    return account


def proves(account: Account, password: str, *, client: str, browser: str = "") -> bool:
    """Whether this is the person's password; wrong ones are counted as they are at log-in."""
    _require_typed(password)
    tries = _tries(account.email_key, client, browser)
    _count(tries)
    right = verify(account.password_hash, password)
    if right:
        _give_back(tries)
    return right


def make_familiar(account: Account, *, browser: str) -> None:
    """Whoever proved to be this person uses this browser."""
    if browser:
        limits.mark("familiar", account.email_key, browser, lasting=FAMILIAR)


def _require_typed(password: str) -> None:
    """No password is no guess: mail scanners send empty forms, and must lock nobody out."""
    if not password:
        raise Invalid(password="Type the password.")


def _tries(key: str, client: str, browser: str) -> list[Try]:
    return [("log_in", "network", network(client)), ("log_in", key, place(key, browser))]


def place(key: str, browser: str) -> str:
    """Whose count it is: that of a browser this person uses, or that of all the world."""
    familiar = limits.is_marked("familiar", key, browser)
    return browser if familiar else "elsewhere"


def _key(email: str) -> str:
    """What guesses at this address have in common, whether it is one or not."""
    return key_of(email) or email.strip().lower()


def _count(tries: list[Try]) -> None:
    for one in tries:
        limits.count(*one)


def _give_back(tries: list[Try]) -> None:
    for one in tries:
        limits.give_back(*one)
