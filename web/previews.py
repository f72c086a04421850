"""Previews: what another number of seats would mean, before anybody says yes to it."""

from __future__ import annotations

from dataclasses import dataclass

from workflows import licences, periods, seats, subscriptions, tokens
from workflows.engine import refusals
from workflows.memberships import Membership
from workflows.subscriptions import Subscription
from workflows.tokens import Token

LISTED = 20  # people in the way of fewer seats; the rest are counted


@dataclass(frozen=True)
class Preview:
    """Why not, or the amounts in minor units."""

    number: int
    why_not: str | None
    now: int
    next_bill: int
    in_the_way: list[tuple[Membership, Token]]
    more_in_the_way: int


def of(subscription: Subscription, number: int) -> Preview | None:
    """None for the number there is already, which changes nothing."""
    if number == subscription.seats:
        return None
    no = refusals.why_not(subscriptions.may_resize, subscription, number)
    place = subscription.organization
    used = seats.count(place).used
    blocking = licences.in_the_way(place, number) if 0 < number < used else []
    holders = [(one, token) for one in blocking[:LISTED] if (token := tokens.of(one))]
    return Preview(
        number, no, periods.quote(subscription, number), number * subscription.price,
        holders, len(blocking) - len(holders),
    )  # fmt: skip
