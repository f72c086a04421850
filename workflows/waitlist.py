"""Waitlist: a member asks for a seat, an admin says yes, and a seat comes when one frees.

What would surprise a reader: nothing here gives away what frees. `seats` does, at the moment it
frees or is bought, in whatever command that happens.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select, text, update

from workflows import memberships, places, rosters, seats
from workflows.accounts import Account
from workflows.engine import outbox, sets
from workflows.engine.db import command, db, lock, now
from workflows.engine.identity import LINK, parse_words
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.invitations import Invitation
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization
from workflows.places import ASKED, WAITING, Place, Standing
from workflows.rosters import Roster
from workflows.seats import Room, Seat

GATHERED = timedelta(days=1)  # wishes for a seat reach an admin in one letter a day
OFFERED = 50  # people without a seat, of whom one can be chosen
LONGEST_WORD = 200
NAMED = 5  # in a letter to an admin
A_SEAT, IN_LINE = "A seat was free.", "In line for the next seat."
NO_LINK = "A word to a member cannot contain a web address."


@command
def ask(membership: Membership, word: str = "", *, by: Account) -> None:
    """Ask the admins for a seat; they hear of all who ask in one letter a day."""
    said = parse_words(word, "word", LONGEST_WORD) or None
    _require_oneself(membership, by)
    lock(membership, membership.organization)
    may_ask(membership)
    places.begin(membership, "asked", word=said, by=by)
    _tell_admins(membership.organization)


def may_ask(membership: Membership) -> None:
    """The rule behind Ask for a Seat."""
    memberships.require_open(membership.organization)
    memberships.require_active(membership)
    if seats.of(membership):
        raise NotNow("You have a seat already.")
    if place := places.of(membership):
        raise NotNow(
            "You have asked for a seat already. An admin decides next."
            if place.state == "asked"
            else "You are in line already. Whoever is first gets the next seat that frees."
        )


@command
def withdraw(membership: Membership, *, by: Account) -> None:
    """Want no seat any more."""
    _require_oneself(membership, by)
    lock(membership)
    if not places.step_out(membership.organization_id, [membership.id], by=by):
        raise NotNow("You are not waiting for a seat.")


def _require_oneself(membership: Membership, by: Account) -> None:
    if by.id != membership.account_id:
        raise NotAllowed("Only the member can do this. An admin can put somebody in line.")


@command
def line_up(membership: Membership, *, by: Account) -> None:
    """Give the member a free seat, or a place in line: the next seat that frees is theirs."""
    memberships.lock_both(membership, by)
    require_admin(by, lock(membership.organization))
    may_line_up(membership, places.standings([membership.id]).get(membership.id))
    seat_or_queue(membership.organization_id, [membership.id], "put", by, by=by)


@command
def line_up_all(organization: Organization, ids: Sequence[int], *, by: Account) -> dict[int, str]:
    """Give these members what seats are free, in their order, and the others places in line.

    Answers why some have got neither, by their ids.
    """
    people = rosters.hold(organization, ids, by=by)
    lock(organization)
    refused = may_not_line_up(organization, people)
    good = [one for one in people if one not in refused]
    seat_or_queue(organization.id, good, "put", by, by=by)
    return refused


def may_line_up(
    membership: Membership, standing: Standing | None, room: Room | None = None
) -> None:
    """The rule behind Put in Line."""
    seats.may_have(membership, room)
    if standing and standing.in_line:
        raise NotNow(standing.place.no_arrow("approve"))


def may_not_line_up(organization: Organization, people: Roster) -> dict[int, str]:
    """Why some of these can neither have a seat nor wait for one, by their ids."""
    room, standings = seats.room(organization, people), places.standings(people)

    def sees(one: int) -> Any:
        return one in room.holders, one in standings and standings[one].in_line

    return rosters.why_not_each(
        lambda one: may_line_up(one, standings.get(one.id), room), people, sees
    )


def became(organization: Organization, ids: Sequence[int]) -> dict[int, str]:
    """What came of lining up each of these, at the moment it was done."""
    holders = seats.room(organization, ids).holders
    return {one: A_SEAT if one in holders else IN_LINE for one in ids}


def seat_or_queue(
    organization_id: int, ids: Sequence[int], origin: str, sponsor: Account, *, by: Account
) -> None:
    """Seats as long as some are free, then places in line; members and organization are held.

    Else a seat could free between our look for it and our place in line, and wait beside us.
    """
    if not ids:
        return
    free = seats.wait_for(organization_id, len(ids))
    seats.give(organization_id, ids[: len(free)], free, by=by)
    if late := ids[len(free) :]:
        places.queue(organization_id, late, origin, sponsor, by=by)


@command
def refuse(membership: Membership, word: str = "", *, by: Account) -> None:
    """Say no to who asked, or take somebody out of the line; they hear of it, with your word."""
    said = parse_words(word, "word", LONGEST_WORD) or None
    if said and LINK.search(said):
        raise Invalid(word=NO_LINK)
    memberships.lock_both(membership, by)
    require_admin(by, lock(membership.organization))
    may_refuse(membership)
    [place] = places.hold(membership.organization_id, [membership.id])
    place.answer = said
    places.end([place], "refuse", by=by)
    outbox.post("seat_refused", about=place)


def may_refuse(membership: Membership) -> None:
    """The rule behind Say No and Remove from Line."""
    if places.of(membership) is None:
        raise NotNow(f"{membership.account.name} is not waiting for a seat.")


def wish_seats(
    organization: Organization, keys: Collection[str], wish: bool, *, by: Account
) -> None:
    """Whoever accepts at these addresses gets a seat or a place in line, or waits for an admin.

    An invitation that was sent again is from now on that of the admin who wishes the seat.
    """
    here = Invitation.organization_id == organization.id, sets.among(Invitation.email_key, keys)
    differs = Invitation.seat_wished != wish
    other = Invitation.state == "sent", differs | (Invitation.invited_by_id != by.id) & wish
    values = {"seat_wished": wish, "invited_by_id": by.id} if wish else {"seat_wished": wish}
    db.session.execute(update(Invitation).where(*here, *other).values(**values))


def next_ones(organization: Organization, but: Membership) -> list[Membership]:
    """Who could have this member's seat: those in line, then those who asked, then the others."""
    waits = (Place.membership_id == Membership.id) & text(f"places.{WAITING}")
    mine = select(Membership).where(Membership.organization_id == organization.id)
    in_line = mine.join(Place, waits).order_by(Place.rank.is_(None), Place.rank, Place.id)
    first = list(db.session.scalars(in_line.limit(OFFERED)))
    seated = exists().where(Seat.membership_id == Membership.id)
    others = mine.where(Membership.state == "member", ~seated, ~exists().where(waits))
    oldest = others.where(Membership.id != but.id).order_by(Membership.id)
    return [*first, *db.session.scalars(oldest.limit(OFFERED - len(first)))]


def _tell_admins(organization: Organization) -> None:
    """One letter to each admin, not before a day after the last one."""
    hear = {admin.id: admin for admin in memberships.admins(organization)}
    before = outbox.newest(("seat_asked",), hear)
    for admin_id, admin in hear.items():
        last = before.get(admin_id)
        if last and last.state in ("pending", "sending"):
            continue
        posted = outbox.post("seat_asked", about=admin)
        if last:
            posted.due_at = max(now(), last.posted_at + GATHERED)


@outbox.letter("seat_asked", about=Membership)
def to_admin(admin: Membership, _: Any) -> Made:
    """Who has asked by now, and waits for an answer."""
    organization = admin.organization
    waiting = places.asked(organization.id, NAMED)
    if admin.state != "admin" or not waiting:
        return None
    names = [place.membership.account.name for place in waiting]
    url = f"{settings().base_url}/{organization.slug}/waitlist"
    facts = {"names": names, "number": places.number(organization.id, ASKED), "url": url}
    return admin.account.email, {**facts, "organization": organization.name}


@outbox.letter("seat_refused", about=Place, rationed=True)
def to_refused(place: Place, _: Any) -> Made:
    """Whoever has asked again, has a seat or is gone needs no more to hear of a no."""
    member = place.membership
    if not member.active or places.of(member) or seats.of(member):
        return None
    organization = member.organization
    url = f"{settings().base_url}/{organization.slug}/home"
    facts = {"name": member.account.name, "organization": organization.name, "url": url}
    return member.account.email, {**facts, "word": place.answer}
