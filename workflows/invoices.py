"""Invoices: bills that were paid. Usher writes them down and never changes one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import billing_contacts, prices
from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import Base, db, now
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.organizations import Organization


class Invoice(Base):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]
    description: Mapped[str]
    seats: Mapped[int]
    seats_before: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    card: Mapped[str]
    billed_to: Mapped[str | None]  # name and address of the contact, as they were then

    organization: Mapped[Organization] = relationship()
    subscription: Mapped[Any] = relationship("Subscription", viewonly=True)

    @property
    def number(self) -> str:
        return f"{self.organization.slug.upper()}-{self.id:05}"


def write(subscription: Any, description: str, amount: int, *, before: int, by: Account) -> Invoice:
    """The bill for a purchase or a change that was just paid for, and its receipt by mail."""
    paid = {"card": subscription.card.in_words, "by_id": by.id}
    bill = enter(subscription, description, amount, seats_before=before, **paid)
    outbox.post("subscription_updated" if before else "subscription_started", about=bill)
    return bill


def enter(subscription: Any, description: str, amount: int, **how: Any) -> Invoice:
    """A bill without its letter; `how` it was paid: `card`, `by_id`, and `seats_before` it."""
    contact = billing_contacts.of(subscription.organization)
    bill = Invoice(
        organization_id=subscription.organization_id, subscription_id=subscription.id, at=now(),
        description=description, seats=subscription.seats, amount=amount,
        currency=subscription.currency, billed_to=contact.lines if contact else None, **how,
    )  # fmt: skip
    db.session.add(bill)
    db.session.flush()
    return bill


def first_of(subscription: Any) -> Invoice | None:
    """The bill of the purchase itself, None before it is paid."""
    mine = select(Invoice).filter_by(subscription_id=subscription.id).order_by(Invoice.id)
    return db.session.scalar(mine.limit(1))


def of_organization(organization: Organization) -> Sequence[Invoice]:
    """Every bill of the organization, newest first."""
    mine = select(Invoice).filter_by(organization=organization)
    return db.session.scalars(mine.order_by(Invoice.id.desc())).all()


@outbox.letter("subscription_started", about=Invoice)
@outbox.letter("subscription_updated", about=Invoice)
def to_buyer(bill: Invoice, _: Any) -> Made:
    """The receipt, for whoever bought."""
    buyer = db.session.get_one(Account, bill.by_id)
    url = f"{settings().base_url}/{bill.organization.slug}/subscriptions"
    facts = {
        "name": buyer.name, "organization": bill.organization.name, "seats": bill.seats,
        "before": bill.seats_before, "interval": bill.subscription.interval,
        "amount": prices.in_words(bill.amount, bill.currency), "card": bill.card,
        "invoice_number": bill.number, "url": url,
    }  # fmt: skip
    return buyer.email, facts


@outbox.letter("subscription_renewed", about=Invoice)
@outbox.letter("subscription_settled", about=Invoice)
def to_payer(bill: Invoice, _: Any) -> Made:
    """The receipt of a period: for whoever paid, or the owner; none where all is closed."""
    organization = bill.organization
    if organization.owner is None or organization.state == "closed":
        return None
    payer = db.session.get(Account, bill.by_id) if bill.by_id else organization.owner.account
    assert payer is not None
    return payer.email, {
        "name": payer.name, "organization": organization.name, "description": bill.description,
        "amount": prices.in_words(bill.amount, bill.currency), "card": bill.card,
        "invoice_number": bill.number,
        "url": f"{settings().base_url}/{organization.slug}/subscriptions",
    }  # fmt: skip
