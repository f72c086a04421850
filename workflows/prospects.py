"""Prospects: what may come next for a row, who does it, and by when. Read only.

What would surprise a reader: the machine says which events there are, and tries each for whoever
it falls to. Only the names of those people are written down here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from workflows import accounts, renewals, seats, tokens
from workflows.accounts import Account
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.outbox import GIVE_UP
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

ADMIN, HOLDER, INVITED = "An admin", "The holder", "The invited person"
BUYER, OPERATOR, WORKER, CLOCK = "An admin or billing admin", "An operator", "A worker", "The clock"
WITH_SEAT, WITH_MEMBER = "Whoever takes the seat away", "Whoever ends the membership"
WHO: Mapping[str, Mapping[str, str]] = {  # who brings each event about, by table
    "invitations": {
        "accept": INVITED, "decline": INVITED, "revoke": ADMIN, "resend": ADMIN, "expire": CLOCK,
        "extend": ADMIN, "ask_again": INVITED, "close": WITH_MEMBER,
        "seat": "Whoever assigns the seat",
    },
    "memberships": {
        "make_admin": "Another admin", "make_billing_admin": "Another admin",
        "make_member": "Another admin", "leave": "The member", "remove": "Another admin",
        "vanish": "The member, by closing the account",
    },
    "tokens": {"activate": HOLDER, "reissue": HOLDER, "revoke": WITH_SEAT},
    "seats": {"assign": ADMIN, "free_up": ADMIN},
    "subscriptions": {
        "pay": BUYER, "abandon": BUYER, "resize": BUYER, "cancel": BUYER, "resume": BUYER,
        "fall_due": CLOCK, "suspend": CLOCK, "renew": CLOCK,
        "end": "The clock, or whoever cancels", "settle": "Whoever pays, or an operator",
        "break_off": "The owner, by closing the organization",
    },
    "letters": {
        "claim": WORKER, "hand_over": WORKER, "put_off": WORKER, "drop": WORKER,
        "bounce": WORKER, "give_up": WORKER,
        "retry": OPERATOR, "hurry": OPERATOR, "release": OPERATOR, "discard": OPERATOR,
    },
    "sign_ups": {"confirm": "Whoever opens the letter", "drop": CLOCK},
    "organizations": {"close": "The owner"},
}  # fmt: skip
BEGINNINGS = {"found", "open"}  # events that belong to the moment in which a row begins


@dataclass(frozen=True)
class Prospect:
    """An event that the machine knows in this state, where it leads, and what stands against it."""

    kind: str
    event: str
    target: str
    who: str
    why_not: str | None


@dataclass(frozen=True)
class Deadline:
    what: str
    at: datetime


@dataclass(frozen=True)
class Way:
    """The rows of one person's way, as far as there are any."""

    membership: Membership | None = None
    invitation: Invitation | None = None
    seat: Seat | None = None
    token: Token | None = None  # the living one, or else the last

    @property
    def rows(self) -> list[Any]:
        return [row for row in (self.invitation, self.membership, self.seat, self.token) if row]


def way_of(membership: Membership) -> Way:
    """All that brought this member to where they are."""
    asked = select(Invitation).filter_by(membership_id=membership.id)
    last = select(Token).filter_by(membership_id=membership.id).order_by(Token.id.desc())
    return Way(
        membership,
        db.session.scalar(asked.order_by(Invitation.id.desc()).limit(1)),
        seats.of(membership),
        tokens.of(membership) or db.session.scalar(last.limit(1)),
    )


def next_of(row: Any) -> list[Prospect]:
    """What the machine lets happen next, each event tried for whom it falls to."""
    kind = row.__tablename__
    arrows = {event: target for at, event, target in row.machine.arrows() if at == row.state}
    return [
        Prospect(kind, event, target, WHO[kind][event], row.why_not(event, by=_actor(row, event)))
        for event, target in arrows.items()
        if event not in BEGINNINGS
    ]


def _actor(row: Any, event: str) -> Account | None:
    """Somebody whom the event falls to, for the machine's rules to look at."""
    if isinstance(row, Invitation) and event == "accept":
        return accounts.with_key(row.email_key) or Account(email_key=row.email_key)
    if isinstance(row, Token):
        return row.membership.account
    if isinstance(row, Membership):
        return row.account if event == "leave" else _another(row)
    return None


def _another(member: Membership) -> Account | None:
    """The owner, who is an admin; of the owner's own membership somebody else."""
    owner = member.organization.owner
    return owner.account if owner and owner.id != member.id else None


def deadlines(row: Any) -> list[Deadline]:
    """What ends or begins by itself, and when, soonest first."""
    told = DEADLINES.get(type(row))
    return sorted(told(row), key=lambda one: one.at) if told else []


def _of_letter(letter: Letter) -> Iterator[Deadline]:
    if letter.state == "sending" and letter.lease_until:
        yield Deadline("The worker’s time is over", letter.lease_until)
    if letter.state == "pending" and letter.pause_id is None:
        yield Deadline("Next try", letter.due_at)
        if letter.attempts:
            yield Deadline("Given up", (letter.again_at or letter.posted_at) + GIVE_UP)


def _of_invitation(invitation: Invitation) -> Iterator[Deadline]:
    if invitation.state == "sent":
        yield Deadline("The invitation runs out", invitation.expires_at)


def _of_token(token: Token) -> Iterator[Deadline]:
    yield from (Deadline("The old secret ends", one.ends_at) for one in token.old if one.ends_at)


def _of_subscription(subscription: Subscription) -> Iterator[Deadline]:
    if subscription.period_end and subscription.state in ("active", "canceling"):
        yield Deadline("The paid period ends", subscription.period_end)
    if subscription.try_at:
        yield Deadline("The card is charged again", subscription.try_at)
    if subscription.state == "past_due":
        yield Deadline("Tokens are refused", renewals.works_until(subscription))
    if subscription.kept_until:
        yield Deadline("Seats are freed, tokens revoked", subscription.kept_until)


DEADLINES: Mapping[type[Any], Callable[[Any], Iterator[Deadline]]] = {
    Letter: _of_letter,
    Invitation: _of_invitation,
    Token: _of_token,
    Subscription: _of_subscription,
}


def place_of(row: Any) -> Organization | None:
    """The organization that a row belongs to."""
    place = getattr(row, "organization_id", None)
    return db.session.get(Organization, place) if place else None
