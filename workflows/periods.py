"""Periods: the time that a bill pays for, one after the other, and what a part of one costs.

What would surprise a reader: a subscription is never billed for more than one period at once. If a
whole one went by without a bill, since no clock ran, nobody is asked for it: the next begins now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from workflows import prices
from workflows.engine.db import now
from workflows.prices import INTERVALS


@dataclass(frozen=True)
class Period:
    """From when to when, and the day of the month that it and those after it end on."""

    begins: datetime
    ends: datetime
    day: int

    @property
    def columns(self) -> dict[str, Any]:
        """As a subscription keeps it."""
        return {"period_start": self.begins, "period_end": self.ends, "billing_day": self.day}


def from_now_on(subscription: Any) -> Period:
    """The one that a bill of this moment pays for."""
    begins = now()
    return Period(begins, prices.later(begins, subscription.interval), begins.day)


def next_of(subscription: Any) -> Period:
    """The one after what is paid: where tokens worked on, from its end; else from now on.

    Who was suspended got nothing since.
    """
    end, day = subscription.period_end, subscription.billing_day
    after = Period(end, prices.later(end, subscription.interval, day), day)
    over = subscription.state == "suspended" or after.ends <= now()
    return from_now_on(subscription) if over else after


def on_a_bill(subscription: Any) -> str:
    """What a bill of the present period is for: 3 seats, one month from 24 November 2026."""
    begins, period = subscription.period_start, INTERVALS[subscription.interval]
    return f"{prices.seats_in_words(subscription.seats)}, one {period} from {begins:%-d %B %Y}"


def quote(subscription: Any, number: int) -> int:
    """What a change to this number costs now, in minor units: the rest of the period, or nothing.

    A day that has begun counts whole, so that what is shown is what is charged. Fewer seats cost
    less from the next bill on; what was paid is not paid back.
    """
    more = max(0, number - subscription.seats)
    start, end = subscription.period_start, subscription.period_end
    days: float = (end - start) / timedelta(days=1)
    left = min(max(0, ceil((end - now()) / timedelta(days=1))), days)
    amount: float = more * subscription.price * left / days
    return round(amount)
