"""Portions: the next few cases of an errand, done in sets, each with its answer.

What would surprise a reader: one deed is not done to people. The cases of an invitation are the
rows of a list; whom they are about is found out when they are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflows import deeds, guest_lists
from workflows.accounts import Account
from workflows.cases import Waiting
from workflows.deeds import DEEDS
from workflows.drawings import Subject
from workflows.guest_lists import Entry
from workflows.organizations import Organization

# The deeds whose cases are the rows of a list, not people; with the second, whoever accepts gets a
# seat, or a place in line.
INVITE, INVITE_AND_SEAT = LISTS = ("invite", "invite-and-seat")


def command(deed: str) -> str:
    """Under which name a deed is written down."""
    return guest_lists.COMMAND if deed in LISTS else DEEDS[deed].command


def foresee(
    deed: str, organization: Organization, whom: Sequence[Subject], together: int, *, by: Account
) -> dict[Subject, str]:
    """Why the deed could not be done to some of these people, asked so many at a time."""
    refused: dict[Subject, str] = {}
    for start in range(0, len(whom), together):
        some, before = whom[start : start + together], start - len(refused)
        refused |= deeds.foresee(DEEDS[deed], organization, some, before, by=by)
    return refused


def do(
    deed: str, organization: Organization, some: Sequence[Waiting], *, by: Account
) -> dict[int, str]:
    """Do the deed to these; answers why not to some, by their cases."""
    if deed in LISTS:
        return _invite(organization, some, by, seat=deed == INVITE_AND_SEAT)
    whom = [case.about.subject for case in some]
    refused = deeds.do(DEEDS[deed], organization, whom, by=by)
    return {case.id: no for case in some if (no := refused.get(case.about.subject))}


def became(
    deed: str, organization: Organization, some: Sequence[Waiting], refused: Mapping[int, str]
) -> dict[int, str]:
    """What came of it for each of these to whom it was done, where not the same did for all."""
    if deed in LISTS:
        return {}
    done = [case for case in some if case.id not in refused]
    said = deeds.became(DEEDS[deed], organization, [case.about.subject for case in done])
    return {case.id: words for case in done if (words := said.get(case.about.subject))}


def _invite(
    organization: Organization, some: Sequence[Waiting], by: Account, *, seat: bool
) -> dict[int, str]:
    """Invite these rows of a list; what the list around them decided is known already."""
    told = {case.id: case.about.sentence or "" for case in some}
    final = {one: no for one, no in told.items() if guest_lists.is_final(no)}
    others = [case for case in some if case.id not in final]
    listed = [Entry(case.about.place or 0, case.about.written or "") for case in others]
    outcomes = guest_lists.invite(organization, listed, by=by, seat=seat) if others else []
    answers = zip(others, outcomes, strict=True)
    return final | {case.id: one.why_not for case, one in answers if one.why_not}
