"""Drawings: what the line of a person has to say, in the columns that `lines` keeps."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from workflows import likenesses
from workflows.journeys import TURNS, Person
from workflows.likenesses import Likeness

ENDED = TURNS.index("Ended")
RANKS = {"admin": 1, "billing_admin": 2, "member": 3}  # the owner is 0
Subject = tuple[int | None, int | None]  # the membership's id, or the invitation's


class Drawing(NamedTuple):
    """What a line says, as its columns."""

    organization_id: int
    rank: int | None
    state: str
    done: int
    turn: int
    failed: bool
    name_key: str
    email_key: str
    since: datetime


SHARED = Drawing._fields[:6]  # what people who are alike have in common


def of(
    memberships: Collection[int], invitations: Collection[int], one_by_one: bool = False
) -> dict[Subject, Drawing]:
    """What the lines of these have to say."""
    right: dict[Subject, Drawing] = {}
    for person, alike in likenesses.of_members(memberships, one_by_one) if memberships else ():
        shared = _shared(person)
        right |= {(one.id, None): _drawing(shared, one) for one in alike}
    for person, alike in likenesses.of_invitations(invitations, one_by_one) if invitations else ():
        shared = _shared(person)
        right |= {(None, one.id): _drawing(shared, one) for one in alike}
    return right


def _shared(person: Person) -> tuple[Any, ...]:
    """The columns of everybody who is like this person."""
    member = person.membership
    known = member or person.invitation
    assert known
    rank = (0 if member.is_owner else RANKS[member.state]) if member else None
    turn = TURNS.index(person.turn.whose)
    return known.organization_id, rank, person.state, person.done, turn, person.turn.bad


def _drawing(shared: tuple[Any, ...], one: Likeness) -> Drawing:
    return Drawing._make((*shared, one.name.casefold(), one.email_key, one.since))
