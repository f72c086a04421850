"""Rows that wait for a person, and those between people that contradict each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select, text

from workflows import leftovers
from workflows.accounts import SignUp
from workflows.ailments import Ailment, found, found_of
from workflows.engine.db import now
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.places import ASKED, QUEUED, WAITING, Place
from workflows.remedies import (
    ASSIGN,
    DROP,
    MAKE_TOKEN,
    PUT_RIGHT,
    RESEND,
    REVOKE,
    REVOKE_SEAT,
    SERVE,
    SETTLE,
    TAKE_UP,
    WITHDRAW,
)
from workflows.seats import Seat
from workflows.stuck_letters import NEVER_USED, NEWEST
from workflows.subscriptions import Subscription
from workflows.tokens import Generation, Token

ACCEPTED = text("invitations.state = 'accepted'")
SETTLED = timedelta(minutes=5)  # in which clocks and workers may still be at it


def _invitations(cause: Any, *which: Any) -> Select[Any]:
    return found_of(Invitation, cause).where(*which)


def contradicted() -> Select[Any]:
    """Accepted, and yet the member has gone, or has a seat already."""
    rows = _invitations(case((Membership.active, "has a seat"), else_="has gone"), ACCEPTED)
    rows = rows.join(Membership, Membership.id == Invitation.membership_id)
    return rows.where(or_(~Membership.active, _has_seat()))


def _has_seat() -> Any:
    return exists().where(Seat.membership_id == Invitation.membership_id)


def tokenless() -> Select[Any]:
    own = exists().where(Token.seat_id == Seat.id)
    rows = found_of(Seat)
    return rows.where(Seat.membership_id.is_not(None), Seat.since < now() - SETTLED, ~own)


def still() -> Select[Any]:
    """A line beside a free seat, once for each organization."""
    rows = found(Place.organization_id, func.min(Place.since))
    settled = _with_free(Seat.since < now() - SETTLED), Place.since < now() - SETTLED
    rows = rows.where(text(f"places.{QUEUED}"), *settled)
    return rows.group_by(Place.organization_id)


def _with_free(*which: Any) -> Any:
    """Whether the organization has a free seat, found once for all who are in its line."""
    lines = select(Place.organization_id).where(text(f"places.{QUEUED}")).correlate(None)
    free = select(Seat.organization_id).where(text("seats.state = 'free'"), *which)
    return Place.organization_id.in_(free.where(Seat.organization_id.in_(lines)))


def unanswered() -> Select[Any]:
    return _invitations("", text("invitations.state = 'sent'"))


def expired() -> Select[Any]:
    return _invitations("", text("invitations.state = 'expired'"))


def _joined(free: bool) -> Select[Any]:
    """Accepted by a member who has no seat and is in no line, while one is free or none."""
    here = and_(Seat.organization_id == Invitation.organization_id, text("seats.state = 'free'"))
    is_free = exists().where(here)
    waits = exists().where(Place.membership_id == Invitation.membership_id, text(WAITING))
    rows = _invitations("", ACCEPTED, is_free if free else ~is_free, ~_has_seat(), ~waits)
    rows = rows.join(Membership, Membership.id == Invitation.membership_id)
    return rows.where(Membership.state == "member")


def unseated() -> Select[Any]:
    return _joined(free=True)


def seatless() -> Select[Any]:
    return _joined(free=False)


def asked() -> Select[Any]:
    return _places("").where(text(f"places.{ASKED}"))


def queued() -> Select[Any]:
    return _places("").where(text(f"places.{QUEUED}"), ~_with_free())


def _places(cause: str) -> Select[Any]:
    """By the member who waits, whose page shows all of it."""
    return found(Place.membership_id, Place.since, cause, Place.organization_id)


def inactive() -> Select[Any]:
    return found_of(Token).where(NEVER_USED, Token.state == "inactive")


def unused() -> Select[Any]:
    """Their secret was made, so a letter with it was handed over or is on its way."""
    rows = found_of(Token, Token.state).join(Generation, NEWEST)
    rows = rows.where(Generation.digest.is_not(None))
    return rows.where(NEVER_USED, Token.state.in_(["active", "reissued"]))


def unconfirmed() -> Select[Any]:
    return found(SignUp.id, SignUp.since).where(text("sign_ups.state = 'waiting'"))


def unpaid() -> Select[Any]:
    return _bills().where(Subscription.state != "incomplete")


def unfinished() -> Select[Any]:
    return _bills().where(Subscription.state == "incomplete")


def _bills() -> Select[Any]:
    rows = found_of(Subscription, func.replace(Subscription.state, "_", " "))
    return rows.where(text("subscriptions.state IN ('incomplete', 'past_due', 'suspended')"))


def offered() -> Select[Any]:
    return found_of(Handover).where(text("handovers.state = 'offered'"))


CONTRADICTIONS = (
    Ailment(
        "invitation-contradicted", "K11", "Invitation that contradicts its member",
        "These say “accepted”, and yet the member has a seat already, or has gone. Nothing is "
        "lost; the numbers are wrong.",
        "invitations", contradicted, remedies=(PUT_RIGHT,),
    ),
    Ailment(
        "seat-tokenless", "K11", "Seat without a token",
        "These seats have a member and no token, so there is nothing to activate.",
        "seats", tokenless, remedies=(MAKE_TOKEN,),
    ),
    Ailment(
        "line-still", "K11, W5", "Line beside a free seat",
        "People wait in line here while a seat is free, which should not be possible. Nothing is "
        "lost: nobody in line loses their turn.",
        "organizations", still, itself="Whatever frees or buys a seat there moves the line.",
        remedies=(SERVE,),
    ),
    Ailment(
        "errand-given-up", "K24", "Bulk action given up in part",
        "Usher failed at a part of these five times, left it out and did the rest. Nothing was "
        "done to those left out, and their admins see who they are. Why is in the log: mend that, "
        "then retry.",
        "errands", leftovers.given_up, remedies=(TAKE_UP,), under_way=leftovers.under_way,
    ),
)  # fmt: skip
PERSONS = (
    Ailment(
        "invitation-unanswered", "W1", "Invited, not answered",
        "They were invited and have not answered. Usher cannot know whether they read it.",
        "invitations", unanswered, turn="invited person", itself="It expires in time.",
        remedies=(RESEND, REVOKE),
    ),
    Ailment(
        "invitation-expired", "W3", "Expired, not invited again",
        "Nobody answered in time. An admin can invite again or let it be.",
        "invitations", expired, turn="admin", remedies=(RESEND, REVOKE),
    ),
    Ailment(
        "member-unseated", "W4", "Accepted, nobody seats",
        "They joined, seats are free, and no admin has given them one.",
        "invitations", unseated, turn="admin", remedies=(ASSIGN,),
    ),
    Ailment(
        "member-seatless", "W5", "Accepted, no seat is free",
        "They joined and every seat is in use. More must be bought, or one freed. Who is in line "
        "already is not counted here.",
        "invitations", seatless, turn="billing admin",
    ),
    Ailment(
        "seat-asked", "W4", "Asked for a seat, no answer",
        "They asked their admins for a seat and have not been told yes or no.",
        "memberships", asked, turn="admin",
    ),
    Ailment(
        "seat-queued", "W5", "In line, no seat is free",
        "An admin put them in line. The next seat that frees or is bought is theirs.",
        "memberships", queued, turn="billing admin", itself="The line moves with each seat.",
    ),
    Ailment(
        "token-inactive", "W6", "Seated, token never activated",
        "They have a seat and have not activated its token.",
        "tokens", inactive, turn="member", remedies=(REVOKE_SEAT,),
    ),
    Ailment(
        "token-unused", "W7", "Token mailed, never used",
        "The token was mailed and nothing was ever downloaded with it.",
        "tokens", unused, turn="member", remedies=(REVOKE_SEAT,),
    ),
    Ailment(
        "purchase-unpaid", "W11", "Purchase without its card",
        "Somebody chose seats and has not paid. Nothing is owed and nothing was bought.",
        "subscriptions", unfinished, turn="billing admin", remedies=(DROP,),
    ),
    Ailment(
        "subscription-unpaid", "W11", "Bill overdue",
        "A bill is not paid. While it is past due all tokens work; once it is suspended none does. "
        "Seats and tokens are kept. If the money came another way, mark it as paid.",
        "subscriptions", unpaid, turn="billing admin", remedies=(SETTLE,),
        itself="While it is past due, the card is charged again, four times at most.",
    ),
    Ailment(
        "ownership-offered", "W10", "Ownership offered",
        "An admin was asked to become the owner and has not answered.",
        "handovers", offered, turn="new owner", itself="It expires after seven days.",
        remedies=(WITHDRAW,),
    ),
    Ailment(
        "sign-up-unconfirmed", "W9", "Signed up, address not confirmed",
        "They signed up and have not opened the letter.",
        "sign_ups", unconfirmed, turn="new person", itself="It is dropped after two days.",
    ),
)  # fmt: skip
