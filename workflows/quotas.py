"""Quotas: how many letters one organization, one person or one address can be the cause of.

What would surprise a reader: quotas know an address without its `+tag`, since ada+1@ and ada+2@
are one mailbox; nothing else in Usher does. An invitation that is accepted gives its place back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from workflows.accounts import Account
from workflows.engine import limits
from workflows.engine.db import db
from workflows.engine.identity import mailbox
from workflows.engine.refusals import TooOften
from workflows.organizations import Organization

PER_SEAT = 3  # unanswered invitations for each seat bought
DAY = timedelta(days=1)
ASKED_ENOUGH = "This address has been asked too often lately."
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
        _ask(email_key)


def spend_again(invitation_id: int, email_key: str) -> None:
    """Count one more letter of an invitation, or refuse it."""
    with db.session.begin_nested():
        limits.count("resend", invitation_id, sentence=JUST_SENT)
        _ask(email_key)


def waits(asked: Mapping[int, str]) -> dict[int, str]:
    """Which of these invitations cannot be sent again just now, and why: what was counted yet.

    `asked` is the address of each, as its key.
    """
    lately = limits.waits("resend", [(one,) for one in asked])
    often = limits.waits("recipient", [(mailbox(key),) for key in asked.values()])
    refusals = {}
    for one, key in asked.items():
        if wait := lately.get((one,)):
            refusals[one] = str(limits.too_often(wait, JUST_SENT))
        elif wait := often.get((mailbox(key),)):
            refusals[one] = str(_asked_enough(wait))
    return refusals


def _ask(email_key: str) -> None:
    """One more invitation to whoever reads this mailbox, from whichever organization."""
    if wait := limits.take("recipient", mailbox(email_key)):
        raise _asked_enough(wait)


def _asked_enough(wait: timedelta) -> TooOften:
    """In whole days: the hour would tell when another organization asked."""
    return limits.too_often(ceil(wait / DAY) * DAY, ASKED_ENOUGH)


def welcomed(organization_id: int) -> None:
    """Take an accepted invitation out of the count: it is not what has to be limited."""
    limits.give_back("invitations", "of", organization_id)
