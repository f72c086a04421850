"""Rows that wait for a person, and those between people that contradict each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, or_, text

from workflows.accounts import SignUp
from workflows.ailments import Ailment, found, found_of
from workflows.engine.db import now
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.remedies import (
    ASSIGN,
    MAKE_TOKEN,
    PUT_RIGHT,
    RESEND,
    REVOKE,
    REVOKE_SEAT,
    WITHDRAW,
)
from workflows.seats import Seat
from workflows.stuck_letters import NEVER_USED, NEWEST
from workflows.subscriptions import Subscription
from workflows.tokens import Generation, Token

ACCEPTED = text("invitations.state = 'accepted'")
SETTLE = timedelta(minutes=5)  # in which clocks and workers may still be at it


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
    rows = found_of(Seat, "taken")
    return rows.where(Seat.membership_id.is_not(None), Seat.since < now() - SETTLE, ~own)


def unanswered() -> Select[Any]:
    return _invitations("", text("invitations.state = 'sent'"))


def expired() -> Select[Any]:
    return _invitations("", text("invitations.state = 'expired'"))


def _joined(free: bool) -> Select[Any]:
    """Accepted by a member who has no seat, while one is free or none."""
    here = and_(Seat.organization_id == Invitation.organization_id, text("seats.state = 'free'"))
    is_free = exists().where(here)
    rows = _invitations("", ACCEPTED, is_free if free else ~is_free, ~_has_seat())
    rows = rows.join(Membership, Membership.id == Invitation.membership_id)
    return rows.where(Membership.state == "member")


def unseated() -> Select[Any]:
    return _joined(free=True)


def seatless() -> Select[Any]:
    return _joined(free=False)


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
    rows = found_of(Subscription, Subscription.state)
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
)  # fmt: skip
WAITING = (
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
        "They joined and every seat is in use. More must be bought, or one freed.",
        "invitations", seatless, turn="billing admin",
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
        "subscription-unpaid", "W11", "Payment open",
        "A purchase waits for its card, or a bill is overdue.",
        "subscriptions", unpaid, turn="billing admin",
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
