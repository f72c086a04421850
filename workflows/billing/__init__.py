"""The card company, behind a port. Subscriptions know this page and no adapter.

An adapter may use the network, so it is called outside a transaction: before a command that needs
its answer, or after one that it must be told of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from workflows.engine.db import db
from workflows.engine.refusals import NotNow


@dataclass(frozen=True)
class Card:
    """What Usher keeps of a card: enough to recognise it, not to use it."""

    brand: str
    last4: str
    until: str  # as on the card, "08/2029"

    @property
    def in_words(self) -> str:
        return f"{self.brand} ending in {self.last4}"


@dataclass(frozen=True)
class Payment:
    """What was taken, in minor units, and from which card."""

    card: Card
    amount: int


class Declined(NotNow):
    """The card was asked, and nothing was taken from it."""


class Billing(Protocol):
    """A company that charges cards."""

    def take_card(self, number: str, expiry: str, cvc: str) -> Card:
        """Check a card and keep it for this and later bills; `Invalid` when it is refused."""
        ...

    def charge(self, card: Card, amount: int, currency: str, key: str) -> Payment:
        """Take an amount in minor units from a card kept before; `Declined` when it is refused.

        `key` names what is paid for. It is paid once: whoever asks again, because the answer was
        lost, gets the payment of then, whatever card and amount they ask for now. What was
        declined may be asked for again. Whatever else is raised says nothing of the money.
        """
        ...


def outside_a_transaction() -> None:
    """Raise if a transaction is open: the network may be slow, and other people would wait."""
    if "command" in db.session().info:
        raise RuntimeError("billing adapters are called outside of commands")
