"""Quotas: how many letters one organization, one person or one address can be the cause of.

What would surprise a reader: an inviter hears of limits on their own deeds alone. What all
organizations together send to one mailbox is rationed where the letters leave (`engine/outbox`):
too many wait, and nobody learns who else asked. Quotas know an address without its `+tag`, since
ada+1@ and ada+2@ are one mailbox. An invitation that is accepted gives its place back.
"""

from __future__ import annotations

from collections.abc import Collection

from workflows.accounts import Account
from workflows.engine import limits
from workflows.engine.db import db
from workflows.engine.identity import mailbox
from workflows.organizations import Organization

PER_SEAT = 3  # unanswered invitations for each seat bought
ASKED_ENOUGH = "You have asked this address often enough lately."
SENT_ENOUGH = "So many invitations cannot be sent at once."
JUST_SENT = "This invitation was sent again a moment ago. Its letter is on the way."


def room(seats: int) -> int:
    """How many unanswered invitations an organization with so many seats may have."""
    return max(limits.rates("invitations")[0].burst, PER_SEAT * seats)


def spend(organization: Organization, email_key: str, *, seats: int, by: Account) -> None:
    """Count an invitation to this address, or refuse it; every count or none.

    Whoever has bought nothing shares one allowance over all such organizations.
    """
    with db.session.begin_nested():
        of, most = organization.id, room(seats)
        limits.count("invitations", "of", of, burst=most, sentence=SENT_ENOUGH)
        if not seats:
            limits.count("invitations", "by", by.id, sentence=SENT_ENOUGH)
        limits.count("recipient", "of", of, mailbox(email_key), sentence=ASKED_ENOUGH)


def spend_again(invitation_id: int) -> None:
    """Count one more letter of an invitation, or refuse it."""
    with db.session.begin_nested():
        limits.count("resend", invitation_id, sentence=JUST_SENT)
        limits.count("recipient", "again", invitation_id, sentence=ASKED_ENOUGH)


def waits(asked: Collection[int]) -> dict[int, str]:
    """Which of these invitations cannot be sent again just now, and why: what was counted yet."""
    lately = limits.waits("resend", [(one,) for one in asked])
    often = limits.waits("recipient", [("again", one) for one in asked])
    refusals = {}
    for one in asked:
        if wait := lately.get((one,)):
            refusals[one] = str(limits.too_often(wait, JUST_SENT))
        elif wait := often.get(("again", one)):
            refusals[one] = str(limits.too_often(wait, ASKED_ENOUGH))
    return refusals


def welcomed(organization_id: int) -> None:
    """Take an accepted invitation out of the count: it is not what has to be limited."""
    limits.give_back("invitations", "of", organization_id)
