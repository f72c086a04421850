"""Permissions: who may do what, worked out by asking the rules themselves. Read only.

What would surprise a reader: the people who are asked about exist nowhere. They stand for every
kind of member, and the machine of roles answers for them as it does for real ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.accounts import Account
from workflows.engine.refusals import NotAllowed, Refusal
from workflows.memberships import ROLES, Membership, Need
from workflows.organizations import Organization

STANDINGS = {"owner": "Owner", **dict(reversed(ROLES.items()))}
TO_ONESELF = {"leave"}  # events of the role machine that nobody does to somebody else


@dataclass(frozen=True)
class Deed:
    """Something to do in an organization: whom it asks for, and which rules come after that."""

    label: str
    need: Need
    event: str = ""  # of the role machine
    but: str = ""  # the sentence of a rule about the row itself


def may(deed: Deed, standing: str) -> bool:
    """Whether somebody who stands there can do it at all, to whomever."""
    if standing not in deed.need.who:
        return False
    return not deed.event or None in _answers(deed.event, standing)


def exceptions(deed: Deed) -> list[str]:
    """What the rules say against it in some cases, in their own sentences."""
    said = dict.fromkeys([deed.but] if deed.but else [])
    for standing in STANDINGS if deed.event else ():
        if standing in deed.need.who:
            answers = _answers(deed.event, standing)
            said |= dict.fromkeys(str(no) for no in answers if _matters(no, deed.event))
    return list(said)


def _matters(no: Refusal | None, event: str) -> bool:
    """That somebody is an admin already is no rule about who may."""
    return isinstance(no, NotAllowed) or (no is not None and event in TO_ONESELF)


def _answers(event: str, standing: str) -> Iterator[Refusal | None]:
    """What the rules say to this person, about everybody whom it could be done to."""
    people = _people()
    mine = people[standing]
    for member in [mine] if event in TO_ONESELF else people.values():
        try:
            member.rehearse(event, by=mine.account)
        except Refusal as no:
            yield no
        else:
            yield None


def _people() -> dict[str, Membership]:
    """Somebody of each standing, and another of each, in an organization of their own."""
    organization = Organization(id=0, owner_id=1, state="active")
    standings = [*STANDINGS, *(f"another {name}" for name in ROLES)]
    people = {}
    for number, standing in enumerate(standings, 1):
        name = standing.removeprefix("another ")
        state = "admin" if name == "owner" else name
        account = Account(id=number, name=f"The {name.replace('_', ' ')}")
        people[standing] = Membership(
            id=number, organization=organization, account=account, account_id=number, state=state
        )
    return people
