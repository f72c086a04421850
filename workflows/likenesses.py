"""Likenesses: people of whom `journeys` says the same, so that it is asked about one of them.

What would surprise a reader: whatever the columns of a person's rows hold, beside who it is, must
be the same for two to be alike. Only moments may differ, and then in the same pattern, so that the
one from which something has begun is known for each. Who lets `journeys` look at another table
adds it here; the clock draws everybody anew without this, and would mend what went wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from workflows import journeys, moves, places
from workflows.accounts import Account
from workflows.engine import moments, sets
from workflows.engine.db import Moment
from workflows.engine.letters import Letter
from workflows.invitations import OPEN, Invitation
from workflows.journeys import Person
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.tokens import Token

FEW = 40  # so many are asked one by one
WHO = {"id", "account_id", "membership_id", "seat_id", "revision", "email", "email_key", "name"}


class Likeness(NamedTuple):
    """Somebody to whom what is said of the person applies."""

    id: int  # of the membership, or of the invitation
    name: str
    email_key: str
    since: datetime


class _Facts(NamedTuple):
    """What is known of somebody: who it is, what must be the same, and moments in their order.

    The moments are as the database wrote them: of people who are equal one is understood for all.
    """

    id: int
    name: str
    email_key: str
    same: tuple[Any, ...]
    moments: tuple[Any, ...]


# People who are alike, in lots of which even the moments are the same.
_Group = list[tuple[list["datetime | None"], list[_Facts]]]


def of_members(
    ids: Collection[int], one_by_one: bool = False
) -> Iterator[tuple[Person, list[Likeness]]]:
    """What `journeys` says of these memberships, and of which it says so."""
    if one_by_one or len(ids) <= FEW:
        return _each(journeys.of_members(ids))
    found = _grouped(_members(ids))
    said = journeys.of_members(_firsts(found))
    return _said({one.membership.id: one for one in said if one.membership}, found)


def of_invitations(
    ids: Collection[int], one_by_one: bool = False
) -> Iterator[tuple[Person, list[Likeness]]]:
    """The same of these invitations."""
    if one_by_one or len(ids) <= FEW:
        return _each(journeys.of_invitations(ids))
    found = _grouped(_invitations(ids))
    said = journeys.of_invitations(_firsts(found))
    return _said({one.invitation.id: one for one in said if one.invitation}, found)


def _each(people: Sequence[Person]) -> Iterator[tuple[Person, list[Likeness]]]:
    for one in people:
        if one.membership:
            account = one.membership.account
            own = Likeness(one.membership.id, account.name, account.email_key, one.since)
        else:
            asked = one.invitation
            assert asked
            own = Likeness(asked.id, asked.email, asked.email_key, one.since)
        yield one, [own]


def _firsts(groups: Sequence[_Group]) -> list[int]:
    return [equal[0].id for [(_, equal), *_] in groups]


def _said(
    people: dict[int, Person], groups: Sequence[_Group]
) -> Iterator[tuple[Person, list[Likeness]]]:
    for group in groups:
        first, equal = group[0]
        if person := people.get(equal[0].id):
            begun = first.index(person.since) if len(group) > 1 else None
            alike = []
            for when, some in group:
                since = (begun is not None and when[begun]) or person.since
                alike += [Likeness(one.id, one.name, one.email_key, since) for one in some]
            yield person, alike


def _grouped(found: Sequence[_Facts]) -> list[_Group]:
    equal: defaultdict[Any, list[_Facts]] = defaultdict(list)
    for one in found:
        equal[one.same, one.moments].append(one)
    said = moments.understood(one for _, written in equal for one in written)
    groups: defaultdict[Any, _Group] = defaultdict(list)
    for (same, written), some in equal.items():
        pattern = tuple(one and written.index(one) for one in written)
        groups[same, pattern].append(([said[one] for one in written], some))
    return list(groups.values())


def _members(ids: Collection[int]) -> list[_Facts]:
    same, when = _columns(Membership, Token)
    living = (Token.membership_id == Membership.id) & Token.seat_id.is_not(None)
    rows: Any = select(
        Membership.id, Token.id, Account.name, Account.email_key,
        Organization.owner_id == Membership.id, *same, *when,
    ).join(Account, Account.id == Membership.account_id)  # fmt: skip
    rows = rows.join(Organization, Organization.id == Membership.organization_id)
    rows = rows.outerjoin(Token, living).where(sets.among(Membership.id, ids), Membership.active)
    found = sets.read(rows.order_by(Membership.id))
    letters = _letters(("seat_assigned", "token", "token_reissued"), [row[1] for row in found])
    # Whoever waits for a seat is told the own place in line.
    alone, to = places.standings(ids).keys(), 5 + len(same)
    return [
        _facts(row[0], row[2], row[3], row[0] in alone and row[0], row[4:to], row[to:],
               letters.get(row[1], NO_LETTER))
        for row in found
    ]  # fmt: skip


def _invitations(ids: Collection[int]) -> list[_Facts]:
    same, when = _columns(Invitation)
    rows: Any = select(
        Invitation.id, Invitation.email, Invitation.email_key, Invitation.state, *same, *when
    )
    mine = rows.where(sets.among(Invitation.id, ids), Invitation.membership_id.is_(None))
    found = sets.read(mine.order_by(Invitation.id))
    letters = _letters(("invitation",), [row[0] for row in found])
    # Whether one that ended is shown hangs on who has come back: each for itself. So is one that
    # somebody asks to have at another address.
    moving, to = moves.of(ids), 4 + len(same)
    return [
        _facts(row[0], row[1], row[2], (row[3] not in OPEN or row[0] in moving) and row[0],
               row[4:to], row[to:], letters.get(row[0], NO_LETTER))
        for row in found
    ]  # fmt: skip


NO_LETTER = (None, None, None)


def _facts(
    row_id: int, name: str, key: str, alone: int | bool, same: Any, when: Any, letter: Any
) -> _Facts:
    """`alone` is the id of whoever is like nobody else."""
    return _Facts(row_id, name, key, (alone, *same, letter[0]), (*when, *letter[1:]))


def _columns(*kinds: Any) -> tuple[list[Any], list[Any]]:
    """The columns of these tables that must be the same for two to be alike, and the moments."""
    columns = [one for kind in kinds for one in kind.__table__.columns if one.name not in WHO]
    when = [moments.as_written(one) for one in columns if isinstance(one.type, Moment)]
    return [one for one in columns if not isinstance(one.type, Moment)], when


def _letters(templates: Collection[str], about_ids: Sequence[int | None]) -> dict[Any, Any]:
    """The state and the moments of the newest letter about each of these."""
    when = (Letter.__table__.c.since, Letter.__table__.c.posted_at)
    rows = select(Letter.about_id, Letter.state, *map(moments.as_written, when))
    mine = rows.where(Letter.template.in_(templates), sets.among(Letter.about_id, about_ids))
    return {row[0]: row[1:] for row in sets.read(mine.order_by(Letter.id))}
