"""Prices: what a seat costs, for how long, and how an amount is written."""

from __future__ import annotations

import calendar
from datetime import datetime

from workflows.engine.refusals import Invalid
from workflows.engine.settings import settings

INTERVALS = {"monthly": "month", "yearly": "year"}
MOST_SEATS = 100_000
WITHOUT_MINOR_UNITS = {"JPY", "KRW", "CLP", "ISK", "VND"}
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def check(number: int, interval: str) -> None:
    """Refuse a number of seats or an interval that nobody can buy."""
    if not 1 <= number <= MOST_SEATS:
        raise Invalid(seats=f"Choose between 1 and {MOST_SEATS:,} seats.")
    if interval not in INTERVALS:
        raise Invalid(interval="Choose Monthly or Yearly.")


def of(interval: str) -> int:
    """The price of a seat today, in minor units."""
    return settings().price_yearly if interval == "yearly" else settings().price_monthly


def later(start: datetime, interval: str, day: int | None = None) -> datetime:
    """The same day a month or a year later, or the last day of that month.

    `day` is the one that is meant where `start` is the last of a shorter month: the 31st.
    """
    months = start.month - 1 + (12 if interval == "yearly" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return start.replace(year=year, month=month, day=min(day or start.day, last))


def in_words(amount: int, currency: str) -> str:
    """An amount as on a bill: $2,880.00."""
    number = f"{amount:,}" if currency in WITHOUT_MINOR_UNITS else f"{amount / 100:,.2f}"
    return f"{SIGNS[currency]}{number}" if currency in SIGNS else f"{number} {currency}"


def seats_in_words(number: int) -> str:
    return "1 seat" if number == 1 else f"{number:,} seats"
