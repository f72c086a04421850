"""Bills: the card company, called by the clock, outside of any command.

What would surprise a reader: whatever goes wrong but a no leaves the bill as it is, and it is asked
for again within a minute, under the same key.
"""

from __future__ import annotations

from contextlib import suppress

from workflows import renewals
from workflows.billing import Declined
from workflows.billing.companies import card_company

FEW = 5  # in a row, since other calls wait for these


def charge_due() -> None:
    """Have the cards charged of some subscriptions whose time has come."""
    for _ in range(FEW):
        if not _charge_next():
            return


def _charge_next() -> bool:
    """Answers whether there was one."""
    due = renewals.next_due()
    if due:
        with suppress(Declined):  # which is written down, and told by letter
            renewals.collect(due, card_company(), by=None)
    return due is not None
