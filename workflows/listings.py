"""Listings: a list of addresses as an errand, with what comes of each row kept for good."""

from __future__ import annotations

from workflows import cases, errands, guest_lists
from workflows.accounts import Account
from workflows.cases import Foreseen
from workflows.engine import history
from workflows.engine.db import command
from workflows.errands import Errand
from workflows.guest_lists import Entry, Listed
from workflows.organizations import Organization
from workflows.portions import INVITE, INVITE_AND_SEAT, LISTS


def prepare(
    organization: Organization, listed: Listed, *, by: Account, seat: bool = False
) -> Errand:
    """Find out what inviting this list would do, row by row. Nothing is sent yet."""
    deed = INVITE_AND_SEAT if seat else INVITE
    return errands.plan(organization, deed, _look_over(organization, listed, by), by=by)


def _look_over(organization: Organization, listed: Listed, by: Account) -> list[Foreseen]:
    judged = guest_lists.look_over(organization, listed, by=by)
    return [Foreseen(written=one.address, place=one.place, sentence=one.why_not) for one in judged]


@command
def invite(
    organization: Organization, listed: Listed, *, by: Account, seat: bool = False
) -> Errand:
    """Invite the few of this list at once, and write down the answer of each."""
    history.called(guest_lists.COMMAND)
    errand = prepare(organization, listed, by=by, seat=seat)
    if errand.state == "planned":  # and not the same click again
        errands.begin(errand, by=by)
    return errand


def again(errand: Errand, *, by: Account) -> Errand:
    """Prepare it for those to whom it was not done: of a list, for rows that could go by now."""
    if errand.deed not in LISTS:
        return errands.again(errand, by=by)
    seat = errand.deed == INVITE_AND_SEAT
    return prepare(errand.organization, not_invited(errand), by=by, seat=seat)


def not_invited(errand: Errand) -> list[Entry]:
    """The rows of a list that did not go and that it is worth to mend or to send again."""
    return [
        Entry(one.place or 0, one.written or "")
        for one in cases.left(errand.id)
        if guest_lists.is_worth_another_try(one.sentence)
    ]
