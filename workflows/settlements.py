"""Settlements: an operator settles what stands open of a bill, where the card does not.

What would surprise a reader: no money moves here. Somebody has seen that it came another way, such
as by bank transfer, and says so; their reason is the record of it.
"""

from __future__ import annotations

from workflows import invoices, memberships, operators, periods, prices, renewals, subscriptions
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotNow
from workflows.invoices import Invoice
from workflows.subscriptions import Subscription

MEANS = "Other means than the card"


@command
def settle(subscription: Subscription, *, by: Account) -> Invoice:
    """Take the overdue bill as paid: the next period runs, and all tokens pass as before."""
    lock(subscription.organization, subscription)
    operators.require_reason(by)
    may_settle(subscription)
    renewals.go_on(subscription, by=by)
    owed = subscriptions.total(subscription)
    paid = {"card": MEANS, "by_id": None, "seats_before": subscription.seats}
    bill = invoices.enter(subscription, periods.on_a_bill(subscription), owed, **paid)
    outbox.post("subscription_settled", about=bill)
    return bill


def may_settle(subscription: Subscription) -> None:
    """The rule behind Mark as Paid."""
    memberships.require_open(subscription.organization)
    if subscription.state == "incomplete":
        raise NotNow("This purchase waits for its card. Nothing is owed yet.")
    subscription.rehearse("settle", by=None)


@command
def drop(subscription: Subscription, *, by: Account) -> None:
    """End a purchase that nobody pays; seats can be bought anew at any time."""
    lock(subscription.organization, subscription)
    operators.require_reason(by)
    may_drop(subscription)
    subscription.fire("abandon", by=by)


def may_drop(subscription: Subscription) -> None:
    """The rule behind Drop the Purchase."""
    memberships.require_open(subscription.organization)
    subscription.rehearse("abandon", by=None)


def foresee(subscription: Subscription) -> list[str]:
    """What comes of settling it, in sentences."""
    period = periods.next_of(subscription)
    owed = prices.in_words(subscriptions.total(subscription), subscription.currency)
    seats = prices.seats_in_words(subscription.seats)
    told = [
        f"An invoice of {owed} for {seats} is written, as paid by other means.",
        f"It is for the time from {period.begins:%-d %B %Y} to {period.ends:%-d %B %Y}.",
    ]
    if subscription.state == "suspended":
        told.append("Tokens work again at once. No member has to do anything.")
    return told
