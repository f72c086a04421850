"""Shortages: errands of which some get no seat because none is left, and what can be done then."""

from __future__ import annotations

from collections.abc import Sequence

from workflows import cases, errands, seat_blocks, seats
from workflows.accounts import Account
from workflows.errands import Errand


def must_buy(errand: Errand, reasons: Sequence[tuple[str, int]]) -> bool:
    """Whether more seats must be bought for some of those to whom it was not, or will not be, done.

    `reasons` are those of `cases.reasons`. A plan has given nobody a seat yet.
    """
    if not any(seat_blocks.lacks_room(sentence) for sentence, _ in reasons):
        return False
    possible = errand.number - sum(number for _, number in reasons)
    coming = possible if errand.state == "planned" else 0
    return seats.count(errand.organization).free <= coming


def line_up_rest(errand: Errand, *, by: Account) -> Errand:
    """Prepare places in line for those who got no seat because none was left."""
    rest = [one.subject for one in cases.left(errand.id) if seat_blocks.lacks_room(one.sentence)]
    return errands.prepare(errand.organization, "line-up", rest, by=by)
