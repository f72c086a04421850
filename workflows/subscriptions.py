"""Subscriptions: an organization buys seats, one bill and one card for all of them.

    incomplete ── pay ─▶ active ─▶ past_due ─▶ suspended     fall_due, suspend
        │                 │ ▲ ◀─ settle ─┘─────────┘
     abandon           cancel resume                          canceling works to the end
        ▼                 ▼ │                                 of what was paid
     canceled ◀── end ── canceling, past_due, suspended   break_off: at once, from any of them

Seats are rows of their own: paying adds them, so an unpaid subscription has none to give away.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import invoices, licences, memberships, periods, prices, seats, verdicts
from workflows.accounts import Account
from workflows.billing import Card
from workflows.engine import history
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotNow
from workflows.engine.settings import settings
from workflows.invoices import Invoice
from workflows.organizations import Organization
from workflows.prices import INTERVALS

UNPAID = "state IN ('incomplete', 'past_due', 'suspended')"
CANCELING, KEPT = "state = 'canceling'", "kept_until IS NOT NULL"
RENEWING, TRIED_AGAIN = "state = 'active'", "state = 'past_due'"
CHARGING = "charging_since IS NOT NULL"
OWED = ("past_due", "suspended")  # the states in which a bill is open
LIVE = ("active", "past_due", "suspended", "canceling")


class SubscriptionMachine(Machine):
    incomplete = State(initial=True)
    active = State()
    past_due = State()
    suspended = State()
    canceling = State()
    canceled = State(final=True)

    pay = incomplete.to(active)
    abandon = incomplete.to(canceled)
    resize = active.to(active, validators=["at_rest"])
    renew = active.to(active, validators=["at_rest"])
    fall_due = active.to(past_due, validators=["at_rest"])
    settle = active.from_(past_due, suspended, validators=["at_rest"])
    suspend = past_due.to(suspended, validators=["at_rest"])
    cancel = active.to(canceling, validators=["at_rest"])
    resume = canceling.to(active, validators=["in_time"])
    end = canceled.from_(canceling, past_due, suspended, validators=["at_rest"])
    break_off = canceled.from_(active, past_due, suspended, canceling, validators=["at_rest"])

    def at_rest(self) -> None:
        if self.model.charging_since:  # what comes of that is not known yet
            raise NotNow("The card is being charged for the next period. Look again in a minute.")

    def in_time(self) -> None:
        if now() >= self.model.period_end:
            raise NotNow("What was paid for is over. Purchase subscriptions to go on.")


class Subscription(Stateful, Base):
    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("seats BETWEEN 1 AND 100000", name="seats"),
        CheckConstraint("\"interval\" IN ('monthly', 'yearly')", name="interval"),
        CheckConstraint(
            "state IN ('incomplete', 'canceled') OR card_last4 IS NOT NULL", name="paid_by_card"
        ),
        index_of_few(
            "one_live_subscription", "organization_id", unique=True, which="state <> 'canceled'"
        ),
        index_of_few("unpaid_subscriptions", "since", which=UNPAID),
        index_of_few("canceling_subscriptions", "period_end", which=CANCELING),
        index_of_few("renewing_subscriptions", "period_end", which=RENEWING),
        index_of_few("overdue_subscriptions", "try_at", which=TRIED_AGAIN),
        index_of_few("charging_subscriptions", "charging_since", which=CHARGING),
        index_of_few("kept_subscriptions", "organization_id", unique=True, which=KEPT),
    )  # fmt: skip
    machine = SubscriptionMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    seats: Mapped[int]  # how many were bought
    interval: Mapped[str]
    price: Mapped[int]  # minor units per seat and interval, as agreed at the purchase
    currency: Mapped[str]
    card_brand: Mapped[str | None]
    card_last4: Mapped[str | None]
    card_until: Mapped[str | None]
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    billing_day: Mapped[int | None]  # of the month; a short one has its last day instead
    charging_since: Mapped[datetime | None]  # while nobody knows whether the card has paid
    try_at: Mapped[datetime | None]  # past due: when the clock charges the card again
    word: Mapped[str | None]  # why it was canceled, in the words of who did
    kept_until: Mapped[datetime | None]  # after its end: how long seats and tokens are kept

    organization: Mapped[Organization] = relationship()

    @property
    def card(self) -> Card:
        """The card of the first purchase, which all later bills are charged to."""
        return Card(self.card_brand or "", self.card_last4 or "", self.card_until or "")

    def no_arrow(self, event: str) -> str:
        if event == "pay" and self.state == "canceled":
            return "This purchase was replaced by another one. Nothing was bought with it."
        if self.state == "canceling":
            return "The subscription is canceled, and works until the end of what is paid."
        if event == "resume":
            return "The subscription is not canceled. There is nothing to resume."
        return f"This subscription is {self.state.replace('_', ' ')}."


@command
def begin(organization: Organization, number: int, interval: str, *, by: Account) -> Subscription:
    """Choose how many seats to buy; nothing is bought until the card is charged."""
    lock(organization)
    memberships.require_billing(by, organization)
    prices.check(number, interval)
    may_buy(organization, number)
    if unpaid := pending(organization):
        if (unpaid.seats, unpaid.interval, unpaid.price) == (number, interval, prices.of(interval)):
            return unpaid
        unpaid.fire("abandon", by=by)
    return Subscription.begin(
        organization=organization, seats=number, interval=interval,
        price=prices.of(interval), currency=settings().currency, by=by,
    )  # fmt: skip


def may_buy(organization: Organization, number: int) -> None:
    """The rule behind Purchase Subscriptions: what is kept in use is bought again with it."""
    if live(organization):
        raise NotNow("There is a subscription already. Update it instead.")
    used = seats.count(organization).used
    if number < used:
        raise Invalid(seats=f"{used:,} seats are in use. Free {used - number:,} of them first.")


@command
def pay(subscription: Subscription, card: Card, *, by: Account) -> Invoice:
    """The card took the amount: add the seats and write the bill. Paid already: the same bill."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    if already := invoices.first_of(subscription):
        return already
    may_pay(subscription)
    subscription.fire(
        "pay", by=by, card_brand=card.brand, card_last4=card.last4, card_until=card.until,
        **periods.from_now_on(subscription).columns,
    )  # fmt: skip
    licences.become(subscription.organization_id, subscription.seats)
    keep_no_longer(subscription.organization)
    period = INTERVALS[subscription.interval]
    bill = f"{prices.seats_in_words(subscription.seats)}, one {period}"
    return invoices.write(subscription, bill, total(subscription), before=0, by=by)


def keep_no_longer(organization: Organization) -> None:
    """Let nobody be held for an ended subscription: what was kept works again, or has ended."""
    if ended := kept(organization):
        ended.kept_until = None
        if verdicts.held(organization.id) == "subscription_ended":
            verdicts.release(organization.id)


def may_pay(subscription: Subscription) -> None:
    """The rule behind Pay, asked before the card is."""
    if subscription.state not in SubscriptionMachine.sources("pay"):
        raise NotNow(subscription.no_arrow("pay"))
    may_buy(subscription.organization, subscription.seats)


@command
def resize(
    subscription: Subscription,
    number: int,
    *,
    by: Account,
    shown: int | None = None,
    paid: int | None = None,
) -> Invoice:
    """Add seats, charged for the rest of the period, or take free ones away.

    `shown` is the number that was looked at when this one was chosen; `paid` what the card was
    charged for it, since the quote moves with the clock.
    """
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    may_resize(subscription, number, shown)
    before = subscription.seats
    amount = periods.quote(subscription, number) if paid is None else paid
    history.because(f"{prices.seats_in_words(before)} became {number:,}")
    subscription.fire("resize", by=by, seats=number)
    move = licences.add if number > before else licences.take_away
    move(subscription.organization_id, abs(number - before))
    change = f"From {before:,} to {prices.seats_in_words(number)}"
    change += f", until {subscription.period_end:%-d %B %Y}"
    return invoices.write(subscription, change, amount, before=before, by=by)


def may_resize(subscription: Subscription, number: int, shown: int | None = None) -> None:
    """The rule behind Update Subscription."""
    prices.check(number, subscription.interval)
    subscription.rehearse("resize", by=None)
    if number == subscription.seats:
        raise NotNow(f"The subscription has {prices.seats_in_words(number)} already.")
    if shown not in (None, subscription.seats):
        changed = f"became {prices.seats_in_words(subscription.seats)} while this page was open"
        raise NotNow(f"The subscription {changed}. Look again, then choose.")
    used = seats.count(subscription.organization).used
    if number < used:
        raise NotNow(f"{used:,} seats are in use. Free {used - number:,} of them first.")


def total(subscription: Subscription) -> int:
    """The bill of a whole period, in minor units."""
    return subscription.seats * subscription.price


def live(organization: Organization) -> Subscription | None:
    """The one subscription that is paid for, in whatever trouble it may be."""
    mine = select(Subscription).filter_by(organization=organization)
    return db.session.scalar(mine.where(Subscription.state.in_(LIVE)))


def pending(organization: Organization) -> Subscription | None:
    """A purchase that waits for a card."""
    mine = select(Subscription).filter_by(organization=organization, state="incomplete")
    return db.session.scalar(mine)


def kept(organization: Organization) -> Subscription | None:
    """The one that has ended and whose seats and tokens are kept for a while."""
    mine = select(Subscription).filter_by(organization=organization)
    return db.session.scalar(mine.where(text(f"subscriptions.{KEPT}")))
