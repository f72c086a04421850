"""Settlements: an operator settles what stands open of a bill, where the card does not.

What would surprise a reader: no money moves here. Somebody has seen that it came another way, such
as by bank transfer, and says so; their reason is the record of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflows import invoices, memberships, operators, prices, subscriptions, verdicts
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import command, lock, now
from workflows.engine.refusals import NotNow
from workflows.engine.settings import settings
from workflows.invoices import Invoice
from workflows.prices import INTERVALS
from workflows.subscriptions import Subscription, SubscriptionMachine

MEANS = "Other means than the card"


@command
def settle(subscription: Subscription, *, by: Account) -> Invoice:
    """Take the overdue bill as paid: the next period runs, and all tokens pass as before."""
    organization, _ = lock(subscription.organization, subscription)
    operators.require_reason(by)
    may_settle(subscription)
    begins = _begins(subscription)
    ends = prices.later(begins, subscription.interval)
    subscription.fire("settle", by=by, period_start=begins, period_end=ends)
    if verdicts.held(organization.id) == "subscription_suspended":
        verdicts.release(organization.id)
    owed = subscriptions.total(subscription)
    paid = {"card": MEANS, "by_id": None, "seats_before": subscription.seats}
    bill = invoices.enter(subscription, _description(subscription), owed, **paid)
    outbox.post("subscription_settled", about=bill)
    return bill


def may_settle(subscription: Subscription) -> None:
    """The rule behind Mark as Paid."""
    memberships.require_open(subscription.organization)
    if subscription.state == "incomplete":
        raise NotNow("This purchase waits for its card. Nothing is owed yet.")
    if subscription.state not in SubscriptionMachine.sources("settle"):
        raise NotNow(subscription.no_arrow("settle"))


def _begins(subscription: Subscription) -> datetime:
    """Where tokens worked on, at the end of what was paid; who was suspended got nothing since."""
    end = subscription.period_end
    assert end is not None
    over = prices.later(end, subscription.interval) <= now()
    return now() if subscription.state == "suspended" or over else end


def _description(subscription: Subscription) -> str:
    begins = subscription.period_start
    period = INTERVALS[subscription.interval]
    return f"{prices.seats_in_words(subscription.seats)}, one {period} from {begins:%-d %B %Y}"


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
    begins = _begins(subscription)
    ends = prices.later(begins, subscription.interval)
    owed = prices.in_words(subscriptions.total(subscription), subscription.currency)
    seats = prices.seats_in_words(subscription.seats)
    told = [
        f"An invoice of {owed} for {seats} is written, as paid by other means.",
        f"It is for the time from {begins:%-d %B %Y} to {ends:%-d %B %Y}.",
    ]
    if subscription.state == "suspended":
        told.append("Tokens work again at once. No member has to do anything.")
    return told


@outbox.letter("subscription_settled", about=Invoice)
def to_owner(bill: Invoice, _: Any) -> tuple[str, dict[str, Any]] | None:
    """The receipt, for the owner; nobody of a closed organization needs it."""
    organization = bill.organization
    if organization.owner is None or organization.state == "closed":
        return None
    owner = organization.owner.account
    return owner.email, {
        "name": owner.name, "organization": organization.name, "description": bill.description,
        "amount": prices.in_words(bill.amount, bill.currency), "invoice_number": bill.number,
        "url": f"{settings().base_url}/{organization.slug}/subscriptions",
    }  # fmt: skip
