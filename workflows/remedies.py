"""Remedies: what operators can do about what is stuck or waits, each a command with its history.

What would surprise a reader: there is hardly a rule in here. A remedy asks the rules of the command
that it is, and the command is done as the operator's, with the reason (see `operators`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from workflows import (
    deliveries,
    handovers,
    inquiries,
    invitations,
    leftovers,
    memberships,
    places,
    reruns,
    seats,
    settlements,
)
from workflows.accounts import Account
from workflows.ailments import Remedy
from workflows.engine import heartbeats, history, outbox
from workflows.engine.db import command, db, lock
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.letters import Letter
from workflows.engine.refusals import NotNow
from workflows.errands import Errand
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token


@command
def write_invitation(invitation: Invitation, *, by: Account) -> None:
    """Post the letter that an invitation should have had."""
    may_write_invitation(lock(invitation))
    outbox.post("invitation", about=invitation, generation=invitation.round)
    history.note(invitation.organization_id, by=by)


def may_write_invitation(invitation: Invitation) -> None:
    if invitation.state != "sent":
        raise NotNow(invitation.no_arrow("resend"))


@command
def write_token(token: Token, *, by: Account) -> None:
    """Post the letter about a seat, or the one with the secret, once more."""
    may_write_token(lock(token))
    outbox.post(deliveries.template_of(token), about=token, generation=token.generation)
    history.note(token.organization_id, by=by)


def may_write_token(token: Token) -> None:
    if token.state == "revoked":
        raise NotNow(token.no_arrow("reissue"))


@command
def put_right(invitation: Invitation, *, by: Account) -> None:
    """Finish an invitation whose member has a seat, close one whose member has gone."""
    may_put_right(lock(invitation))
    assert invitation.membership
    invitation.fire("seat" if seats.of(invitation.membership) else "close", by=by)


def may_put_right(invitation: Invitation) -> None:
    member = invitation.membership
    if invitation.state != "accepted" or (member and member.active and not seats.of(member)):
        raise NotNow("There is nothing wrong with this invitation any more.")


@command
def make_token(seat: Seat, *, by: Account) -> None:
    """Give a seat the token that it should have come with."""
    may_make_token(lock(seat))
    member = db.session.get_one(Membership, seat.membership_id)
    place = {"organization_id": seat.organization_id, "seat_id": seat.id}
    outbox.post("seat_assigned", about=Token.begin(membership=member, **place, by=by))


def may_make_token(seat: Seat) -> None:
    if seat.membership_id is None:
        raise NotNow("Nobody has this seat any more.")
    if db.session.query(Token.id).filter_by(seat_id=seat.id).first():
        raise NotNow("This seat has a token by now.")


@command
def assign_seat(invitation: Invitation, *, by: Account) -> None:
    """Seat the member who came of this invitation."""
    seats.assign(_member(invitation), by=by)


def may_assign_seat(invitation: Invitation) -> None:
    seats.may_assign(_member(invitation))


def _member(invitation: Invitation) -> Membership:
    if invitation.membership is None:
        raise NotNow(invitation.no_arrow("seat"))
    return invitation.membership


@command
def revoke_seat(token: Token, *, by: Account) -> None:
    """Take the seat of whoever does not use it."""
    seats.revoke(token.membership, by=by)


def may_revoke_seat(token: Token) -> None:
    seats.may_revoke(token.membership)


@command
def serve(organization: Organization, *, by: Account) -> None:
    """Give the seats that are free to those in line, as should have happened when they freed."""
    may_serve(lock(organization))
    history.note(organization.id, by=by)
    seats.serve(organization.id)


def may_serve(organization: Organization) -> None:
    free = db.session.query(Seat.id).filter_by(organization_id=organization.id, state="free")
    if not (places.number(organization.id) and free.first()):
        raise NotNow("Nobody waits beside a free seat there any more.")


@command
def withdraw_offer(handover: Handover, *, by: Account) -> None:
    """End an offer of ownership that nobody answers; the owner hears of it, and stays."""
    memberships.require_owner(by, handover.organization)
    handovers.fall_through(handover.chosen, by=by)


@command
def forget_process(ids: Collection[int], *, by: Account) -> dict[int, str]:
    """Miss a process no more that was stopped for good."""
    history.note(None, by=by)
    heartbeats.forget(ids)
    return {}


def _may(event: str) -> Callable[[Any], None]:
    return lambda row: row.rehearse(event, by=None)


AGAIN = Remedy(
    "retry", "Retry", "Retry {} Letters",
    "It is tried at once, as a new letter is.", reruns.may_again, reruns.again,
    Letter, sets=True,
)  # fmt: skip
DISCARD = Remedy(
    "discard", "Set Aside", "Set {} Letters Aside",
    "Nobody is sent this letter. It is kept, with all its tries.",
    _may("discard"), reruns.discard, Letter, sets=True,
)  # fmt: skip
SEEN = Remedy(
    "seen", "Mark as Seen", "Mark {} Letters as Seen",
    "It is not listed any more.", lambda _: None, reruns.seen, Letter,
    sets=True,
)  # fmt: skip
FORGET = Remedy(
    "forget", "Forget Process", "Forget {} Processes",
    "It is not missed any more.", lambda _: None, forget_process,
    Heartbeat, sets=True,
)  # fmt: skip
RESEND = Remedy(
    "resend", "Resend", "Resend {} Invitations",
    "The invitation is mailed again, with the full time to answer.",
    _may("resend"), invitations.resend, Invitation,
)  # fmt: skip
REVOKE = Remedy(
    "revoke", "Revoke Invitation", "Revoke {} Invitations",
    "The link stops working. Who had a letter gets another.",
    _may("revoke"), invitations.revoke, Invitation,
)  # fmt: skip
WRITE_INVITATION = Remedy(
    "write", "Write the Letter", "Write {} Letters",
    "The letter that is missing is written and leaves.",
    may_write_invitation, write_invitation, Invitation,
)  # fmt: skip
WRITE_TOKEN = Remedy(
    "write", "Write the Letter", "Write {} Letters",
    "The letter is written once more and leaves.", may_write_token,
    write_token, Token,
)  # fmt: skip
PUT_RIGHT = Remedy(
    "put-right", "Put Right", "Put {} Invitations Right",
    "It is finished where there is a seat, closed where nobody is.",
    may_put_right, put_right, Invitation,
)  # fmt: skip
MAKE_TOKEN = Remedy(
    "make-token", "Make the Token", "Make {} Tokens",
    "The seat gets its token, the member the letter about it.",
    may_make_token, make_token, Seat,
)  # fmt: skip
ASSIGN = Remedy(
    "assign", "Assign Seat", "Assign {} Seats",
    "The member gets a free seat, and a letter about it.",
    may_assign_seat, assign_seat, Invitation,
)  # fmt: skip
REVOKE_SEAT = Remedy(
    "revoke-seat", "Revoke Seat", "Revoke {} Seats",
    "The seat is free, the token ends, and a letter says so.",
    may_revoke_seat, revoke_seat, Token,
)  # fmt: skip
WITHDRAW = Remedy(
    "withdraw", "Withdraw the Offer", "Withdraw {} Offers",
    "The owner stays, and can offer ownership again.",
    _may("fall_through"), withdraw_offer, Handover,
)  # fmt: skip
TAKE_UP = Remedy(
    "retry", "Retry", "Retry {} Bulk Actions",
    "Those left out have their turn again, in the name of the admin who began it.",
    leftovers.may_take_up, leftovers.take_up, Errand,
)  # fmt: skip
SERVE = Remedy(
    "serve", "Give Out the Seats", "Give Out the Seats of {} Organizations",
    "The free seats go to the first in line, who get a letter.",
    may_serve, serve, Organization,
)  # fmt: skip
INQUIRE = Remedy(
    "inquire", "Write to the Admins", "Write to the Admins of {} Organizations",
    "Each admin is sent a letter. The first that a mail server takes ends it.",
    inquiries.may_inquire, inquiries.inquire, Organization,
)  # fmt: skip
SETTLE = Remedy(
    "settle", "Mark as Paid", "Mark {} Bills as Paid",
    "An invoice says that it was paid by other means. The next period runs; no card is charged.",
    settlements.may_settle, settlements.settle, Subscription,
)  # fmt: skip
DROP = Remedy(
    "drop", "Drop the Purchase", "Drop {} Purchases",
    "Nothing was bought, and nothing is. Seats can be bought anew at any time.",
    settlements.may_drop, settlements.drop, Subscription,
)  # fmt: skip
