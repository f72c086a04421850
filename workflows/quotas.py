"""Quotas: how many letters one organization, one person or one address can be the cause of.

What would surprise a reader: an inviter hears of limits on their own deeds alone. What all
organizations together send to one mailbox is rationed where the letters leave (`engine/outbox`):
too many wait, and nobody learns who else asked. Quotas know an address without its `+tag`, since
ada+1@ and ada+2@ are one mailbox. An invitation that is accepted gives its place back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from workflows.accounts import Account
from workflows.engine import limits
from workflows.engine.db import db
from workflows.engine.identity import mailbox
from workflows.organizations import Organization

PER_SEAT = 3  # unanswered invitations for each seat bought
ASKED_ENOUGH = "You have asked this address often enough lately."
SENT_ENOUGH = "So many invitations cannot be sent at once."
JUST_SENT = "This invitation was sent again a moment ago. Its letter is on the way."
Waits = Mapping[tuple[Any, ...], timedelta]  # by whom a limit is for, how long until it has room


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


def spend_all(
    organization: Organization, keys: Sequence[str], *, seats: int, by: Account
) -> dict[str, str]:
    """The same for each of these addresses, in their order as long as there is room.

    Answers why some cannot be invited just now.
    """
    of, most = ("invitations", "of", organization.id), room(seats)
    places = limits.take_some(*of, number=len(keys), burst=most)
    who = ("invitations", "by", by.id)
    mine = places if seats else limits.take_some(*who, number=places)
    refused, rest, used = dict[str, str](), list(keys), 0
    while rest and used < mine:
        some, rest = rest[: mine - used], rest[mine - used :]
        answers = _ask_all(organization, some)
        refused |= answers
        used += len(some) - len(answers)
    if rest:
        wait = max(limits.until(*of, burst=most), timedelta() if seats else limits.until(*who))
        refused |= dict.fromkeys(rest, str(limits.too_often(wait, SENT_ENOUGH)))
    limits.give_back(*of, number=places - used)
    if not seats:
        limits.give_back(*who, number=mine - used)
    return refused


def _ask_all(organization: Organization, keys: Sequence[str]) -> dict[str, str]:
    """One more invitation to each of these; why not, where one was asked too often."""
    refused: dict[str, str] = {}
    rest = [(("of", organization.id, mailbox(key)), key) for key in keys]
    while rest:
        first = dict(reversed(rest))  # a mailbox that is full stays so
        full = limits.take_all("recipient", sorted(first))
        refused |= {
            key: str(limits.too_often(full[box], ASKED_ENOUGH)) for box, key in rest if box in full
        }
        rest = [(box, key) for box, key in rest if key != first[box] and box not in full]
    return refused


def spend_again(invitation_id: int) -> None:
    """Count one more letter of an invitation, or refuse it."""
    with db.session.begin_nested():
        limits.count("resend", invitation_id, sentence=JUST_SENT)
        limits.count("recipient", "again", invitation_id, sentence=ASKED_ENOUGH)


def spend_all_again(asked: Collection[int]) -> dict[int, str]:
    """The same for each of these invitations; why some cannot be sent again just now."""
    lately = limits.take_all("resend", [(one,) for one in asked])
    rest = [("again", one) for one in asked if (one,) not in lately]
    often = limits.take_all("recipient", rest)
    for _, one in often:
        limits.give_back("resend", one)
    return _refusals(asked, lately, often)


def waits(asked: Collection[int]) -> dict[int, str]:
    """Why some of these invitations cannot be sent again just now; nothing is counted."""
    lately = limits.waits("resend", [(one,) for one in asked])
    often = limits.waits("recipient", [("again", one) for one in asked])
    return _refusals(asked, lately, often)


def _refusals(asked: Collection[int], lately: Waits, often: Waits) -> dict[int, str]:
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
