"""The card that bills are charged to, another one in its place, and a bill that it did not pay."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel, Field

from web import billing
from web.deeds import deed
from web.forms import read
from web.proving import proved
from web.subscriptions import for_billing
from workflows import cards, subscriptions
from workflows.engine.refusals import NotNow
from workflows.engine.stationery import day
from workflows.memberships import BILLING
from workflows.subscriptions import OWED

bp = Blueprint("cards", __name__)
CARD = "/<slug>/subscriptions/card"
AGAIN = "Change Card", "Later bills of “{organization}” go to another card."


class NewCard(BaseModel):
    subscription: int
    card_number: str = Field(max_length=40, repr=False)
    expiry: str = Field(max_length=12)
    cvc: str = Field(max_length=12, repr=False)


@bp.get(CARD)
@for_billing
@proved(*AGAIN, again=False)
def show() -> Any:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        return _back()
    return render_template(
        "pages/subscriptions/card.html", subscription=subscription, test_cards=billing.TEST_CARDS
    )


@bp.post(CARD)
@for_billing
@deed("Change Card", BILLING)
@proved(*AGAIN, again=False)
def change() -> Any:
    typed = read(NewCard)
    subscription = subscriptions.live(g.organization)
    if subscription is None or subscription.id != typed.subscription:
        raise NotNow(cards.NONE)
    billing.change_card(subscription, typed.card_number, typed.expiry, typed.cvc, by=g.account)
    said = f"Later bills go to the card ending in {subscription.card.last4}."
    open_bill = " Nothing was charged: Pay Now charges it for the open bill."
    flash(said + open_bill if subscription.state in OWED else said)
    return _back()


@bp.post("/<slug>/subscriptions/pay-now")
@for_billing
@deed("Pay Now", BILLING)
@proved("Pay Now", "The open bill of “{organization}” is charged to its card.")
def pay_now() -> Any:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        raise NotNow(cards.NONE)
    at, refused = f"/{g.organization.slug}/subscriptions", subscription.state == "suspended"
    if subscription.state in OWED:
        g.ways = [("Change Card", f"{at}/card"), ("See the Subscription", at)]
    billing.pay_what_is_owed(subscription, by=g.account)
    again = "All tokens work again." if refused else "Everything goes on."
    flash(f"The bill is paid. {again} The next one comes on {day(subscription.period_end)}.")
    return _back()


def _back() -> Any:
    return redirect(f"/{g.organization.slug}/subscriptions", 303)
