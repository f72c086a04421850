"""Seat blocks: many seats given or taken at once, with the rules and the outcome of single ones.

What would surprise a reader: a free seat that somebody else's hand is on is not waited for. Two
admins who give seats at once each get some, and neither can hold what the other waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import or_, update

from workflows import places, rosters, seats, verdicts
from workflows.accounts import Account
from workflows.engine import cohorts, sets, tallies
from workflows.engine.db import command, db, lock, now
from workflows.organizations import Organization
from workflows.rosters import Roster
from workflows.seats import GONE, IN_USE, NONE_YET, TAKEN, Count, Room, Seat
from workflows.tokens import Generation, Token


@command
def assign(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Give these members seats, in their order, as long as seats are free.

    Answers why some have got none, by their ids.
    """
    people = rosters.hold(organization, ids, by=by)
    places.hold(organization.id, people)
    refused = may_not_assign(organization, people)
    good = [one for one in people if one not in refused]
    free = seats.claim(organization.id, len(good))
    late = dict.fromkeys(good[len(free) :], GONE)
    seats.give(organization.id, good[: len(free)], free, by=by)
    return refused | late


@command
def revoke(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Take these members' seats away; answers why some have none to take."""
    people = rosters.hold(organization, ids, by=by)
    lock(organization)
    refused = may_not_revoke(organization, people)
    good = [one for one in people if one not in refused]
    tokens = give_up(organization, good, "seat_revoked", by=by)
    cohorts.post("seat_revoked", organization.id, dict.fromkeys(tokens, 0))
    return refused


def give_up(
    organization: Organization, members: Collection[int], reason: str, *, by: Account
) -> list[int]:
    """Free the seats of these members, who are held like the organization; answers their tokens.

    The line is served.
    """
    revoked = take(organization, members, reason, by=by)
    seats.serve(organization.id)
    return revoked


def take(
    organization: Organization, members: Collection[int], reason: str, *, by: Account | None
) -> list[int]:
    """The same, and nobody gets what frees."""
    theirs = sets.among(Token.membership_id, members)
    living = cohorts.hold(Token, theirs & Token.seat_id.is_not(None))
    cohorts.fire(living, "revoke", by=by, seat_id=None)
    _end([token.id for token in living], reason)
    taken = cohorts.hold(Seat, sets.among(Seat.membership_id, members))
    cohorts.fire(taken, "free_up", by=by, membership_id=None, holder_active=None)
    tallies.add(organization.id, {TAKEN: -len(taken)})
    return [token.id for token in living]


def _end(token_ids: list[int], reason: str) -> None:
    """Let every secret of these tokens that still works end now."""
    moment, ends_at = now(), Generation.ends_at
    living = update(Generation).where(
        sets.among(Generation.token_id, token_ids), or_(ends_at.is_(None), ends_at > moment)
    )
    ended = living.values(ends_at=moment, reason=reason).returning(Generation.id)
    ids = db.session.scalars(ended, execution_options={"synchronize_session": False}).all()
    verdicts.close(ids, reason, moment)


def may_not_assign(organization: Organization, people: Roster, before: int = 0) -> dict[int, str]:
    """Why some of these cannot have a seat, by their ids, when so many `before` them get one."""
    room = seats.room(organization, people)
    bought = room.count.bought
    left = Count(bought, min(room.count.used + before, bought))
    refused = _may_not(seats.may_assign, people, Room(room.holders, left))
    good = [one for one in people if one not in refused]
    late = {one: people[one] for one in good[left.free :]}
    return refused | _may_not(seats.may_assign, late, Room(room.holders, Count(bought, bought)))


def _may_not(rule: Callable[..., None], people: Roster, room: Room) -> dict[int, str]:
    holders = room.holders
    return rosters.why_not_each(lambda one: rule(one, room), people, lambda one: one in holders)


def lacks_room(sentence: str | None) -> bool:
    """Whether somebody was refused for want of a seat, and for nothing of their own."""
    return sentence in (GONE, NONE_YET) or IN_USE in (sentence or "")


def may_not_revoke(organization: Organization, people: Roster) -> dict[int, str]:
    """Why there is no seat to take from some of these, by their ids."""
    return _may_not(seats.may_revoke, people, seats.room(organization, people))
