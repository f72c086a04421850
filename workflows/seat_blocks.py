"""Seat blocks: many seats given or taken at once, with the rules and the outcome of single ones.

What would surprise a reader: a free seat that somebody else's hand is on is not waited for. Two
admins who give seats at once each get some, and neither can hold what the other waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import or_, select, text, update

from workflows import memberships, seats, verdicts
from workflows.accounts import Account
from workflows.engine import cohorts, tallies
from workflows.engine.db import command, db, now
from workflows.engine.refusals import why_not
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import TAKEN, Count, Room, Seat
from workflows.tokens import Generation, Token

GONE = "The last free seat was given away a moment ago."


@command
def assign(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Give these members seats, in their order, as long as seats are free.

    Answers why some have got none, by their ids.
    """
    people = memberships.hold_all(organization, ids, by=by)
    refused = may_not_assign(organization, people)
    good = [one for one in people if one.id not in refused]
    free = _claim(organization, len(good))
    late = {one.id: GONE for one in good[len(free) :]}
    _seat(organization, good[: len(free)], free, by)
    return refused | late


def _seat(
    organization: Organization, people: list[Membership], free: list[Seat], by: Account
) -> None:
    """Give each of these people one of these seats, with all that a seat brings."""
    pairs = list(zip(people, free, strict=True))
    cohorts.fire(
        free, "assign", by=by, holder_active=True,
        each={seat.id: {"membership_id": member.id} for member, seat in pairs},
    )  # fmt: skip
    tallies.add(organization.id, {TAKEN: len(free)})
    theirs = {"membership_id": [one.id for one in people], "seat_id": [seat.id for seat in free]}
    tokens = cohorts.begin(Token, theirs, by=by, organization_id=organization.id, generation=0)
    cohorts.fire(accepted_by([member.id for member in people]), "seat", by=by)
    cohorts.post("seat_assigned", organization.id, dict.fromkeys(tokens, 0))


def _claim(organization: Organization, number: int) -> list[Seat]:
    """So many free seats, or as many as there are, that nobody else can take."""
    free = select(Seat).where(Seat.organization_id == organization.id, text("state = 'free'"))
    oldest = free.order_by(Seat.id).limit(number).with_for_update(skip_locked=True)
    return list(db.session.scalars(oldest, execution_options={"populate_existing": True}))


@command
def revoke(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Take these members' seats away; answers why some have none to take."""
    people = memberships.hold_all(organization, ids, by=by)
    refused = may_not_revoke(organization, people)
    good = [one for one in people if one.id not in refused]
    tokens = give_up(organization, good, "seat_revoked", by=by)
    cohorts.post("seat_revoked", organization.id, dict.fromkeys(tokens, 0))
    return refused


def give_up(
    organization: Organization, people: Collection[Membership], reason: str, *, by: Account
) -> list[int]:
    """Free the seats of these members, who are held, and revoke their tokens first: their ids."""
    mine = [member.id for member in people]
    living = cohorts.hold(Token, Token.membership_id.in_(mine) & Token.seat_id.is_not(None))
    cohorts.fire(living, "revoke", by=by, seat_id=None)
    _end([token.id for token in living], reason)
    taken = cohorts.hold(Seat, Seat.membership_id.in_(mine))
    cohorts.fire(taken, "free_up", by=by, membership_id=None, holder_active=None)
    tallies.add(organization.id, {TAKEN: -len(taken)})
    return [token.id for token in living]


def _end(token_ids: list[int], reason: str) -> None:
    """Let every secret of these tokens that still works end now."""
    moment, ends_at = now(), Generation.ends_at
    living = update(Generation).where(
        Generation.token_id.in_(token_ids), or_(ends_at.is_(None), ends_at > moment)
    )
    ended = living.values(ends_at=moment, reason=reason).returning(Generation.id)
    ids = db.session.scalars(ended, execution_options={"synchronize_session": False}).all()
    verdicts.close(ids, reason, moment)


def accepted_by(member_ids: Collection[int]) -> list[Invitation]:
    """The invitations that made these memberships, held, as far as they wait for a seat."""
    mine = Invitation.membership_id.in_(member_ids)
    return cohorts.hold(Invitation, mine & (Invitation.state == "accepted"))


def may_not_assign(
    organization: Organization, people: Sequence[Membership], before: int = 0
) -> dict[int, str]:
    """Why some of these cannot have a seat, by their ids, when so many `before` them get one."""
    room = seats.room(organization, [one.id for one in people])
    bought = room.count.bought
    left = Count(bought, min(room.count.used + before, bought))
    refused = _refused(seats.may_assign, people, Room(room.holders, left))
    late = [one for one in people if one.id not in refused][left.free :]
    return refused | _refused(seats.may_assign, late, Room(room.holders, Count(bought, bought)))


def may_not_revoke(organization: Organization, people: Sequence[Membership]) -> dict[int, str]:
    """Why there is no seat to take from some of these, by their ids."""
    room = seats.room(organization, [one.id for one in people])
    return _refused(seats.may_revoke, people, room)


def _refused(rule: Callable[..., Any], people: Sequence[Membership], room: Room) -> dict[int, str]:
    answers = {one.id: why_not(rule, one, room) for one in people}
    return {one: sentence for one, sentence in answers.items() if sentence}
