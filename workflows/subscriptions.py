"""Subscriptions: an organization buys seats, one bill and one card for all of them.

    incomplete ── pay ─▶ active ─▶ past_due ─▶ suspended     fall_due, suspend
        │                 │ ▲ ◀─ settle ─┘─────────┘
     abandon           cancel resume                          canceling works to the end
        ▼                 ▼ │                                 of what was paid
     canceled ◀── end ── canceling, suspended

Seats are rows of their own: paying adds them, so an unpaid subscription has none to give away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import invoices, memberships, prices, seats
from workflows.accounts import Account
from workflows.billing import Card
from workflows.engine import history
from workflows.engine.db import Base, command, db, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotNow
from workflows.engine.settings import settings
from workflows.invoices import Invoice
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.prices import INTERVALS
from workflows.seats import Seat
from workflows.tokens import Token

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
    resize = active.to(active)
    fall_due = active.to(past_due)
    settle = past_due.to(active) | suspended.to(active)
    suspend = past_due.to(suspended)
    cancel = active.to(canceling) | past_due.to(canceling)
    resume = canceling.to(active)
    end = canceling.to(canceled) | suspended.to(canceled)


class Subscription(Stateful, Base):
    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint("seats BETWEEN 1 AND 100000", name="seats"),
        CheckConstraint("\"interval\" IN ('monthly', 'yearly')", name="interval"),
        CheckConstraint(
            "state IN ('incomplete', 'canceled') OR card_last4 IS NOT NULL", name="paid_by_card"
        ),
        Index(
            "one_live_subscription", "organization_id", unique=True,
            postgresql_where=text("state <> 'canceled'"), sqlite_where=text("state <> 'canceled'"),
        ),
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

    organization: Mapped[Organization] = relationship()

    @property
    def card(self) -> Card:
        """The card of the first purchase, which all later bills are charged to."""
        return Card(self.card_brand or "", self.card_last4 or "", self.card_until or "")


@command
def begin(organization: Organization, number: int, interval: str, *, by: Account) -> Subscription:
    """Choose how many seats to buy; nothing is bought until the card is charged."""
    lock(organization)
    memberships.require_billing(by, organization)
    prices.check(number, interval)
    if live(organization):
        raise NotNow("There is a subscription already. Update it instead.")
    if unpaid := pending(organization):
        unpaid.fire("abandon", by=by)
    return Subscription.begin(
        organization=organization, seats=number, interval=interval,
        price=prices.of(interval), currency=settings().currency, by=by,
    )  # fmt: skip


@command
def pay(subscription: Subscription, card: Card, *, by: Account) -> Invoice:
    """The card took the amount: add the seats and write the bill."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    start = now()
    subscription.fire(
        "pay", by=by, card_brand=card.brand, card_last4=card.last4, card_until=card.until,
        period_start=start, period_end=prices.later(start, subscription.interval),
    )  # fmt: skip
    seats.add(subscription.organization_id, subscription.seats)
    period = INTERVALS[subscription.interval]
    bill = f"{prices.seats_in_words(subscription.seats)}, one {period}"
    return invoices.write(subscription, bill, total(subscription), before=0, by=by)


@command
def resize(subscription: Subscription, number: int, *, by: Account) -> Invoice:
    """Add seats, charged for the rest of the period, or take free ones away."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    may_resize(subscription, number)
    before, amount = subscription.seats, quote(subscription, number)
    history.because(f"{before} seats became {number}")
    subscription.fire("resize", by=by, seats=number)
    if number > before:
        seats.add(subscription.organization_id, number - before)
    else:
        seats.take_away(subscription.organization_id, before - number)
    assert subscription.period_end
    change = f"From {before:,} to {prices.seats_in_words(number)}"
    until = f"{subscription.period_end:%-d %B %Y}"
    return invoices.write(subscription, f"{change}, until {until}", amount, before=before, by=by)


def may_resize(subscription: Subscription, number: int) -> None:
    """The rule behind Update Subscription."""
    prices.check(number, subscription.interval)
    if number == subscription.seats:
        raise NotNow(f"The subscription has {prices.seats_in_words(number)} already.")
    used = seats.count(subscription.organization).used
    if number < used:
        raise NotNow(f"{used} seats are in use. Free {used - number} of them first.")


def quote(subscription: Subscription, number: int) -> int:
    """What a change to this number costs now, in minor units: the rest of the period, or nothing.

    Fewer seats cost less from the next bill on; what was paid is not paid back.
    """
    more = max(0, number - subscription.seats)
    start, end = subscription.period_start, subscription.period_end
    assert start is not None
    assert end is not None
    left = max(0.0, (end - now()).total_seconds() / (end - start).total_seconds())
    return round(more * subscription.price * min(1.0, left))


def total(subscription: Subscription) -> int:
    """The bill of a whole period, in minor units."""
    return subscription.seats * subscription.price


def in_the_way(organization: Organization, number: int) -> Sequence[Membership]:
    """Whose seats to free before there can be this number: longest unused first."""
    used = seats.count(organization).used
    holders = (
        select(Membership)
        .join(Seat, Seat.membership_id == Membership.id)
        .join(Token, Token.seat_id == Seat.id)
        .where(Seat.organization_id == organization.id)
        .order_by(Token.last_used_at.is_not(None), Token.last_used_at, Token.since)
    )
    return db.session.scalars(holders.limit(max(0, used - number))).all()


def live(organization: Organization) -> Subscription | None:
    """The one subscription that is paid for, in whatever trouble it may be."""
    mine = select(Subscription).filter_by(organization=organization)
    return db.session.scalar(mine.where(Subscription.state.in_(LIVE)))


def pending(organization: Organization) -> Subscription | None:
    """A purchase that waits for a card."""
    mine = select(Subscription).filter_by(organization=organization, state="incomplete")
    return db.session.scalar(mine)
