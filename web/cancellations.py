"""Canceling a subscription, which works until its end, and resuming it before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template
from pydantic import BaseModel

from web.deeds import deed
from web.forms import read
from web.proving import proved
from web.subscriptions import for_billing
from workflows import cancellations, seats, subscriptions
from workflows.engine.db import now
from workflows.engine.refusals import NotNow, why_not
from workflows.engine.stationery import day
from workflows.memberships import BILLING
from workflows.subscriptions import Subscription

bp = Blueprint("cancellations", __name__)
SUBSCRIPTIONS = "/<slug>/subscriptions"
NONE = "There is no subscription any more."


class Farewell(BaseModel):
    word: str = ""


@bp.get(f"{SUBSCRIPTIONS}/cancel")
@for_billing
def ask() -> Any:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        return _back()
    until = subscription.period_end
    assert until is not None
    return render_template(
        "pages/subscriptions/cancel.html",
        until=until, over=until <= now(), why_not=why_not(cancellations.may_cancel, subscription),
        freed_at=max(until, now()) + timedelta(days=cancellations.DAYS),
        days=cancellations.DAYS, count=seats.count(g.organization),
    )  # fmt: skip


@bp.post(f"{SUBSCRIPTIONS}/cancel")
@for_billing
@deed("Cancel Subscription", BILLING)
@proved(
    "Cancel Subscription",
    "The subscription of “{organization}” ends when what is paid for is over.",
)
def cancel() -> Any:
    subscription = _live()
    cancellations.cancel(subscription, read(Farewell).word, by=g.account)
    flash(_farewell(subscription))
    return _back()


def _farewell(subscription: Subscription) -> str:
    if subscription.kept_until:
        until = day(subscription.kept_until)
        return f"The subscription has ended. Seats in use and their tokens are kept until {until}."
    assert subscription.period_end is not None
    until = day(subscription.period_end)
    return f"The subscription is canceled. It works until {until}, and can be resumed until then."


@bp.post(f"{SUBSCRIPTIONS}/resume")
@for_billing
@deed("Resume Subscription", BILLING)
def resume() -> Any:
    cancellations.resume(_live(), by=g.account)
    flash("The subscription goes on as before.")
    return _back()


def _live() -> Subscription:
    subscription = subscriptions.live(g.organization)
    if subscription is None:
        raise NotNow(NONE)
    return subscription


def _back() -> Any:
    return redirect(f"/{g.organization.slug}/subscriptions", 303)
