"""Renewals: the clock has the card charged for the next period, and what comes of a no.

    active ── renew ─▶ active          it paid: the next period follows the last
       │ fall_due                      it was declined: tokens work on, and it is charged again
       ▼                               at each quarter of GRACE_DAYS
    past_due ── suspend ─▶ suspended   declined at their end too: the gate refuses
       └──── settle ──────┴─▶ active   paid by another try, by Pay Now, or as an operator says

What would surprise a reader: the card company is asked between two commands, so that nobody waits
for it. The first notes that it is asked, and until the second has noted the answer nothing else
moves the subscription. Where a process is lost in between, the clock asks again under the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select, text

from workflows import billers, invoices, memberships, periods, prices, subscriptions, verdicts
from workflows.accounts import Account
from workflows.billing import Billing, Card, Declined, Payment
from workflows.engine import history, outbox
from workflows.engine.db import command, db, lock, now
from workflows.engine.history import Action
from workflows.engine.outbox import LEASE  # after it whoever asks the company counts as lost, too
from workflows.engine.refusals import NotNow
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.memberships import Membership
from workflows.subscriptions import CHARGING, OWED, RENEWING, TRIED_AGAIN, Subscription

DECLINED = "renewals.decline"
TRIES = 4  # after the first, as far apart as each other; the last is at the end of GRACE_DAYS


@dataclass(frozen=True)
class Bill:
    """What a card is asked for, and since when: to be read while no transaction is open."""

    card: Card
    amount: int
    currency: str
    key: str  # of the subscription and the period, so that the company takes it once
    period_end: datetime
    since: datetime


def collect(subscription: Subscription, company: Billing, *, by: Account | None) -> None:
    """Have the card charged for what is owed, outside of any command, and write down the answer.

    Raises `Declined` when that is no. By the clock, which is None, only what is due.
    """
    bill = ask(subscription, by=by)
    if bill is None:
        return
    try:
        payment = company.charge(bill.card, bill.amount, bill.currency, bill.key)
    except Declined:
        decline(subscription, bill, by=by)
        raise
    renew(subscription, bill, payment, by=by)


@command
def ask(subscription: Subscription, *, by: Account | None) -> Bill | None:
    """Note that the card is asked; None where nothing is due, or another clock asks."""
    lock(subscription.organization, subscription)
    if by:
        memberships.require_billing(by, subscription.organization)
        may_pay(subscription)
    elif not _is_due(subscription):
        return None
    end, since = subscription.period_end, now()
    assert end is not None
    subscription.charging_since = since
    key = f"subscription {subscription.id} from {end.isoformat()}"
    amount = subscriptions.total(subscription)
    return Bill(subscription.card, amount, subscription.currency, key, end, since)


def may_pay(subscription: Subscription) -> None:
    """The rule behind Pay Now."""
    if subscription.state not in OWED:
        raise NotNow("Nothing is owed: the last bill is paid.")
    subscription.rehearse("settle", by=None)


@command
def renew(subscription: Subscription, bill: Bill, payment: Payment, *, by: Account | None) -> None:
    """The card paid: the next period runs, and all tokens pass as before."""
    lock(subscription.organization, subscription)
    if subscription.period_end != bill.period_end:
        return  # written down by another clock, which took this one for lost
    amount, card = prices.in_words(payment.amount, bill.currency), payment.card
    history.because(f"{card.brand} {card.last4} paid {amount}")
    subscription.charging_since = None
    go_on(subscription, by=by)
    how = {"card": card.in_words, "by_id": by.id if by else None}
    description, seats = periods.on_a_bill(subscription), subscription.seats
    paid = invoices.enter(subscription, description, payment.amount, seats_before=seats, **how)
    outbox.post("subscription_renewed", about=paid)


def go_on(subscription: Subscription, *, by: Account | None) -> None:
    """The next period is paid, however: it runs, and nobody is refused for it any more."""
    event = "renew" if subscription.state == "active" else "settle"
    subscription.fire(event, by=by, try_at=None, **periods.next_of(subscription).columns)
    if verdicts.held(subscription.organization_id) == "subscription_suspended":
        verdicts.release(subscription.organization_id)


@command
def decline(subscription: Subscription, bill: Bill, *, by: Account | None) -> None:
    """The card did not pay: who bills hears of it, and after GRACE_DAYS all tokens are refused."""
    lock(subscription.organization, subscription)
    if subscription.charging_since != bill.since:
        return  # another clock took this one for lost, and asks
    subscription.charging_since = None
    history.because(f"{bill.card.brand} {bill.card.last4} was declined")
    history.note(subscription.organization_id, by=by)
    if by is None and subscription.state != "suspended":
        _put_off(subscription)


def _put_off(subscription: Subscription) -> None:
    """Let it be charged again later, or suspend it where it was long enough."""
    if subscription.state == "active":
        subscription.fire("fall_due", by=None)
    subscription.try_at = _next_try(subscription)
    if subscription.state == "past_due" and subscription.try_at is None:
        subscription.fire("suspend", by=None)
        verdicts.hold(subscription.organization_id, "subscription_suspended")
    billers.tell(f"subscription_{subscription.state}", subscription.organization)


def _next_try(subscription: Subscription) -> datetime | None:
    """The first moment to come of those in which it is charged again."""
    apart = (works_until(subscription) - subscription.since) / TRIES
    moments = (subscription.since + apart * number for number in range(1, TRIES + 1))
    return next((moment for moment in moments if moment > now()), None)


def works_until(subscription: Subscription) -> datetime:
    """Of what is past due: when all tokens will be refused. They are counted from the first no."""
    return subscription.since + timedelta(days=settings().grace_days)


def declined(subscription: Subscription) -> Sequence[Action]:
    """Each time that the card was asked for the open bill and did not pay, the last one last."""
    place = subscription.organization_id
    asked = select(Action).filter_by(organization_id=place, event=DECLINED)
    of_the_bill = asked.where(Action.at >= subscription.period_end).order_by(Action.id)
    return db.session.scalars(of_the_bill).all()


def next_due() -> Subscription | None:
    """One that the clock should have charged, if there is any."""
    moment, free = now(), Subscription.charging_since.is_(None)
    for which, due in (
        (CHARGING, Subscription.charging_since <= moment - LEASE),
        (RENEWING, and_(Subscription.period_end <= moment, free)),
        (TRIED_AGAIN, and_(Subscription.try_at <= moment, free)),
    ):
        one = select(Subscription).where(text(f"subscriptions.{which}"), due)
        if found := db.session.scalar(one.limit(1)):
            return found
    return None


def _is_due(one: Subscription) -> bool:
    """The same of one that is held."""
    moment = now()
    if one.charging_since:
        return one.charging_since <= moment - LEASE
    due = {"active": one.period_end, "past_due": one.try_at}.get(one.state)
    return due is not None and due <= moment


@outbox.letter("subscription_past_due", about=Membership, rationed=True)
def to_biller(member: Membership, _: Any) -> Made:
    """Who has paid meanwhile needs no word of it, nor who is told already that it is suspended."""
    owed = subscriptions.live(member.organization)
    if owed is None or owed.state != "past_due":
        return None
    when = {"until": works_until(owed), "try_at": owed.try_at}
    return billers.letter_to(member, **_of_the_bill(owed), **when)


@outbox.letter("subscription_suspended", about=Membership, rationed=True)
def to_biller_at_last(member: Membership, _: Any) -> Made:
    owed = subscriptions.live(member.organization)
    if owed is None or owed.state != "suspended":
        return None
    return billers.letter_to(member, **_of_the_bill(owed))


def _of_the_bill(owed: Subscription) -> dict[str, Any]:
    amount = prices.in_words(subscriptions.total(owed), owed.currency)
    return {"since": owed.period_end, "amount": amount, "card": owed.card.in_words}
