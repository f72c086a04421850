"""Quotas: how many letters one organization, one person or one address can be the cause of.

What would surprise a reader: quotas know an address without its `+tag`, since ada+1@ and ada+2@
are one mailbox; nothing else in Usher does. An invitation that is accepted gives its place back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def spend(
    organization: Organization, keys: Sequence[str], *, seats: int, by: Account
) -> dict[str, str]:
    """Count an invitation to each of these addresses, in their order as long as there is room.

    Answers why some cannot be invited just now; each is counted everywhere or nowhere. Whoever
    has bought nothing shares one allowance over all such organizations.
    """
    of, most = ("invitations", "of", organization.id), room(seats)
    places = limits.take_some(*of, number=len(keys), burst=most)
    who = ("invitations", "by", by.id)
    mine = places if seats else limits.take_some(*who, number=places)
    refused, rest, used = dict[str, str](), list(keys), 0
    while rest and used < mine:
        some, rest = rest[: mine - used], rest[mine - used :]
        answers = _ask_all(some)
        refused |= answers
        used += len(some) - len(answers)
    if rest:
        wait = max(limits.until(*of, burst=most), timedelta() if seats else limits.until(*who))
        refused |= dict.fromkeys(rest, str(limits.too_often(wait, SENT_ENOUGH)))
    limits.give_back(*of, number=places - used)
    if not seats:
        limits.give_back(*who, number=mine - used)
    return refused


def _ask_all(keys: Sequence[str]) -> dict[str, str]:
    """One more invitation to each of these; why not, where one was asked too often."""
    refused: dict[str, str] = {}
    rest = [(mailbox(key), key) for key in keys]
    while rest:
        # A mailbox that is full stays so; two lists ask in one order, so that no two wait.
        first = dict(reversed(rest))
        full = limits.take_all("recipient", [(box,) for box in sorted(first)])
        refused |= {
            key: str(_asked_enough(full[(box,)])) for box, key in rest if (box,) in full
        }  # fmt: skip
        rest = [(box, key) for box, key in rest if key != first[box] and (box,) not in full]
    return refused


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
