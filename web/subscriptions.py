"""Subscriptions of an organization: what is bought, buying, changing, and the invoices."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar

from flask import Blueprint, abort, flash, g, redirect, render_template, request
from pydantic import BaseModel, Field

from web import billing, previews
from web.deeds import deed
from web.forms import NUMBER, read
from web.proving import proved
from web.session import in_organization
from workflows import (
    cancellations,
    directories,
    invoices,
    memberships,
    periods,
    prices,
    renewals,
    seats,
    subscriptions,
)
from workflows.accounts import Account
from workflows.engine import refusals
from workflows.engine.db import Base, db, now
from workflows.invoices import Invoice
from workflows.memberships import BILLING
from workflows.subscriptions import Subscription

bp = Blueprint("subscriptions", __name__)
Row = TypeVar("Row", bound=Base)


class Purchase(BaseModel):
    seats: int
    interval: Literal["monthly", "yearly"]


class Payment(BaseModel):
    purchase: int
    card_number: str = Field(max_length=40, repr=False)
    expiry: str = Field(max_length=12)
    cvc: str = Field(max_length=12, repr=False)


class Change(BaseModel):
    seats: int
    shown: int  # how many there were on the page


def for_billing(view: Callable[..., Any]) -> Callable[..., Any]:
    """Show the page to admins and billing admins of the organization."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Any:
        memberships.require_billing(g.account, g.organization)
        return view(**kwargs)

    return in_organization(guarded)


def _at(page: str = "") -> Any:
    return redirect(f"/{g.organization.slug}/subscriptions{page}", 303)


def _number(typed: str) -> int | None:
    """The number of seats in an address, None while it is none."""
    return int(typed) if NUMBER.fullmatch(typed.strip()) else None


def _ours(kind: type[Row], row_id: int) -> Row:
    """The row, or the 404 that a foreign one and a missing one share."""
    mine = db.select(kind).filter_by(id=row_id, organization=g.organization)
    row: Row | None = db.session.scalar(mine)
    return row or abort(404)


@bp.get("/<slug>/subscriptions")
@for_billing
def overview() -> Any:
    subscription = subscriptions.live(g.organization)
    return render_template(
        "pages/subscriptions/index.html",
        subscription=subscription, pending=subscriptions.pending(g.organization),
        ended=subscriptions.kept(g.organization), days=cancellations.DAYS,
        why_not=_why_not(subscription) if subscription else {},
        declined=renewals.declined(subscription) if subscription else [],
        works_until=renewals.works_until, now=now(),
        count=seats.count(g.organization), idle=directories.idle(g.organization),
        invoices=invoices.of_organization(g.organization),
        total=subscriptions.total, price=prices.of, intervals=prices.INTERVALS,
    )  # fmt: skip


def _why_not(subscription: Subscription) -> dict[str, str | None]:
    """What each rule says against its button."""
    return {
        "resize": subscription.why_not("resize", by=g.account),
        "resume": subscription.why_not("resume", by=g.account),
        "cancel": refusals.why_not(cancellations.may_cancel, subscription),
        "pay": refusals.why_not(renewals.may_pay, subscription),
    }


@bp.get("/<slug>/subscriptions/new")
@for_billing
def choose() -> Any:
    if subscriptions.live(g.organization):
        return _at()
    pending = subscriptions.pending(g.organization)
    people, used = directories.expected(g.organization), seats.count(g.organization).used
    known = {
        "seats": pending.seats if pending else min(max(people, used, 1), prices.MOST_SEATS),
        "interval": pending.interval if pending else "monthly",
    }
    chosen = known | request.args.to_dict() | g.get("typed", {})
    number, interval = _number(str(chosen["seats"])), chosen["interval"]
    buyable = number is not None and not refusals.why_not(prices.check, number, interval)
    return render_template(
        "pages/subscriptions/new.html",
        chosen=chosen, total=number * prices.of(interval) if number and buyable else None,
        number=number, ended=subscriptions.kept(g.organization), used=used,
        price=prices.of, intervals=prices.INTERVALS,
    )  # fmt: skip


@bp.post("/<slug>/subscriptions/new")
@for_billing
@deed("Purchase Subscriptions", BILLING)
@proved(
    "Purchase Subscriptions",
    "You choose {seats} seats for “{organization}”. The next page asks for the card.",
)
def begin() -> Any:
    chosen = read(Purchase)
    subscriptions.begin(g.organization, chosen.seats, chosen.interval, by=g.account)
    return _at("/pay")


@bp.get("/<slug>/subscriptions/pay")
@for_billing
@proved("Go On to the Card", "You pay for the seats of “{organization}”.", again=False)
def card() -> Any:
    pending = subscriptions.pending(g.organization)
    if pending is None:
        return _at("" if subscriptions.live(g.organization) else "/new")
    return render_template(
        "pages/subscriptions/pay.html",
        pending=pending, total=subscriptions.total(pending), intervals=prices.INTERVALS,
        test_cards=billing.TEST_CARDS,
    )  # fmt: skip


@bp.post("/<slug>/subscriptions/pay")
@for_billing
@deed("Pay", BILLING)
@proved("Go On to the Card", "You pay for the seats of “{organization}”.", again=False)
def pay() -> Any:
    typed = read(Payment)
    purchase = _ours(Subscription, typed.purchase)
    restored = " All tokens work again." if subscriptions.kept(g.organization) else ""
    bill = billing.buy(purchase, typed.card_number, typed.expiry, typed.cvc, by=g.account)
    bought = f"{prices.seats_in_words(bill.seats)} bought.{restored}"
    if g.membership.state == "admin":
        flash(f"{bought} Next: invite people, or assign seats to those who are here.")
    else:
        flash(f"{bought} Next: an admin invites people and assigns the seats.")
    return _at()


@bp.get("/<slug>/subscriptions/update")
@for_billing
def update() -> Any:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        return _at()
    typed = request.args.to_dict() | g.get("typed", {})
    return _update_page(subscription, typed.get("seats", str(subscription.seats)))


@bp.post("/<slug>/subscriptions/update")
@for_billing
@deed("Update Subscription", BILLING)
@proved(
    "Update Subscription",
    "“{organization}” has {seats} seats from now on. More seats are charged to its card.",
)
def change() -> Any:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        return _at()
    wanted = read(Change)
    prices.check(wanted.seats, subscription.interval)
    may_resize = subscriptions.may_resize
    if no := refusals.why_not(may_resize, subscription, wanted.seats, wanted.shown):
        g.errors = {"seats": no}
        return _update_page(subscription, str(wanted.seats)), 409
    bill = billing.change(subscription, wanted.seats, shown=wanted.shown, by=g.account)
    paid = prices.in_words(bill.amount, bill.currency)
    cost = f"The card was charged {paid}." if bill.amount else "Nothing was charged."
    flash(f"{prices.seats_in_words(bill.seats)} instead of {bill.seats_before:,}. {cost}")
    return _at()


def _update_page(subscription: Subscription, typed: str) -> Any:
    number = _number(typed)
    preview = None if number is None else previews.of(subscription, number)
    return render_template(
        "pages/subscriptions/update.html",
        subscription=subscription, shown_seats=typed, preview=preview,
        count=seats.count(g.organization), idle=directories.idle(g.organization),
        one_more=periods.quote(subscription, subscription.seats + 1),
        intervals=prices.INTERVALS,
    )  # fmt: skip


@bp.get("/<slug>/subscriptions/invoices/<int:invoice_id>")
@for_billing
def invoice(invoice_id: int) -> Any:
    bill = _ours(Invoice, invoice_id)
    buyer = db.session.get(Account, bill.by_id) if bill.by_id else None
    return render_template("pages/subscriptions/invoice.html", bill=bill, buyer=buyer)
