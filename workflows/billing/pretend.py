"""Pretend billing: test cards and no money, with the same refusals as a real card company.

What would surprise a reader: it has a table, as a company has books. What was paid for is found
there by its key, so that nothing is taken twice.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from workflows.billing import Card, Declined, Payment, outside_a_transaction
from workflows.engine.db import Base, command, db, now
from workflows.engine.refusals import Invalid

DECLINED = {
    "4000000000000002": "The card was declined. Nothing was bought; try another card.",
    "4000000000009995": "The card has insufficient funds. Nothing was bought; try another card.",
}
DECLINED_LATER = "0341"  # 4000 0000 0000 0341 is taken now and refused when charged again
TEST_CARDS = {
    "4242424242424242": "Works.",
    "4000000000000002": "Is declined.",
    "4000000000009995": "Has insufficient funds.",
    "4000000000000341": "Works now, and is declined for every bill after the first.",
}
BRANDS = {"4": "Visa", "5": "Mastercard", "3": "American Express"}


class PretendPayment(Base):
    __tablename__ = "pretend_payments"

    key: Mapped[str] = mapped_column(primary_key=True)
    card_brand: Mapped[str]
    card_last4: Mapped[str]
    card_until: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    at: Mapped[datetime]

    @property
    def payment(self) -> Payment:
        return Payment(Card(self.card_brand, self.card_last4, self.card_until), self.amount)


class Pretend:
    """Takes 4242 4242 4242 4242 and its kin; see `DECLINED` for cards that fail."""

    def take_card(self, number: str, expiry: str, cvc: str) -> Card:
        outside_a_transaction()
        digits = re.sub(r"[ -]", "", number)
        problems = {
            "card_number": _number_problem(digits),
            "expiry": _expiry_problem(expiry),
            "cvc": None if re.fullmatch(r"[0-9]{3,4}", cvc.strip()) else "3 or 4 digits.",
        }
        if wrong := {field: sentence for field, sentence in problems.items() if sentence}:
            raise Invalid(**wrong)
        month, year = _month_and_year(expiry)
        return Card(BRANDS.get(digits[0], "Card"), digits[-4:], f"{month:02}/{year}")

    def charge(self, card: Card, amount: int, currency: str, key: str) -> Payment:
        outside_a_transaction()
        return _take(card, amount, currency, key)


@command
def _take(card: Card, amount: int, currency: str, key: str) -> Payment:
    """Of two who pay for the same at once, one runs again, and finds what the other paid."""
    if paid := db.session.get(PretendPayment, key):
        return paid.payment
    if card.last4 == DECLINED_LATER and amount > 0:
        raise Declined(f"The card ending in {card.last4} was declined. Nothing has changed.")
    taken = PretendPayment(
        key=key, card_brand=card.brand, card_last4=card.last4, card_until=card.until,
        amount=amount, currency=currency, at=now(),
    )  # fmt: skip
    db.session.add(taken)
    return taken.payment


def _number_problem(digits: str) -> str | None:
    if digits in DECLINED:
        return DECLINED[digits]
    if not re.fullmatch(r"[0-9]{13,19}", digits) or not _luhn(digits):
        return "This is not a card number. A digit may be missing or swapped."
    return None


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits[::-1])]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _expiry_problem(expiry: str) -> str | None:
    try:
        month, year = _month_and_year(expiry)
    except ValueError:
        return "Month and year as on the card, such as 08/29."
    today = date.today()
    return "This card has expired." if (year, month) < (today.year, today.month) else None


def _month_and_year(expiry: str) -> tuple[int, int]:
    """Raises ValueError when this is no month and year."""
    found = re.fullmatch(r"([0-9]{1,2}) ?[/-]? ?((?:20)?[0-9]{2})", expiry.strip()[:12])
    if not found or not 1 <= int(found[1]) <= 12:
        raise ValueError(expiry)
    return int(found[1]), 2000 + int(found[2][-2:])
