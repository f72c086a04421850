"""The card company, called by the web: before the command that needs its answer, outside of it.

What would surprise a reader: whatever would be refused is refused before the card is touched, and
what was read so far is let go, so that nobody waits for the database while we wait for a bank.
"""

from __future__ import annotations

from workflows import cards, invoices, periods, renewals, subscriptions
from workflows.accounts import Account
from workflows.billing.companies import card_company
from workflows.billing.pretend import TEST_CARDS
from workflows.engine.db import db
from workflows.invoices import Invoice
from workflows.subscriptions import Subscription

__all__ = ["TEST_CARDS", "buy", "card_company", "change", "change_card", "pay_what_is_owed"]


def buy(purchase: Subscription, number: str, expiry: str, cvc: str, *, by: Account) -> Invoice:
    """Have the card taken and the seats added; a purchase that is paid stays as it is."""
    if bill := invoices.first_of(purchase):
        return bill
    subscriptions.may_pay(purchase)
    db.session.rollback()
    card = card_company().take_card(number, expiry, cvc)
    return subscriptions.pay(purchase, card, by=by)


def change(subscription: Subscription, number: int, *, shown: int, by: Account) -> Invoice:
    """Charge the kept card for seats that are added, then add them or take them away.

    The same form again is paid once, also where the first was lost before the seats were there.
    """
    subscriptions.may_resize(subscription, number, shown)
    amount = periods.quote(subscription, number)
    card, currency = subscription.card, subscription.currency
    key = f"subscription {subscription.id}.{subscription.revision} to {number} for {amount}"
    db.session.rollback()
    if amount:
        card_company().charge(card, amount, currency, key)
    return subscriptions.resize(subscription, number, shown=shown, paid=amount, by=by)


def pay_what_is_owed(subscription: Subscription, *, by: Account) -> None:
    """Charge the kept card for the bill that is open; tokens that were refused work again."""
    renewals.collect(subscription, card_company(), by=by)


def change_card(
    subscription: Subscription, number: str, expiry: str, cvc: str, *, by: Account
) -> None:
    """Have another card taken for the bills to come."""
    cards.may_change(subscription)
    db.session.rollback()
    cards.change(subscription, card_company().take_card(number, expiry, cvc), by=by)
