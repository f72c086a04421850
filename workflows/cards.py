"""Cards: the bills of an organization go to another card from now on."""

from __future__ import annotations

from workflows import memberships
from workflows.accounts import Account
from workflows.billing import Card
from workflows.engine import history
from workflows.engine.db import command, lock
from workflows.engine.refusals import NotNow
from workflows.subscriptions import LIVE, Subscription

NONE = "This subscription has ended. There is no bill any more that a card would pay."


@command
def change(subscription: Subscription, card: Card, *, by: Account) -> None:
    """Keep this card, which the company has taken, in the place of the one before."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    may_change(subscription)
    if card == subscription.card:
        return  # the same form again
    was = subscription.card
    history.because(f"{card.brand} {card.last4} instead of {was.brand} {was.last4}")
    subscription.card_brand, subscription.card_last4 = card.brand, card.last4
    subscription.card_until = card.until
    history.note(subscription.organization_id, by=by)


def may_change(subscription: Subscription) -> None:
    """The rule behind Change Card, asked before the card is."""
    if subscription.state not in LIVE:
        raise NotNow(NONE)
