"""Each thing that an operator can do to one row: its words, its command, and its rule.

What would surprise a reader: the pages, the twins for programs and the command line all read this
one list, so they say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import g

from workflows import (
    appointments,
    corrections,
    deliveries,
    invitations,
    remedies,
    seats,
    settlements,
    tokens,
)
from workflows.engine.letters import Letter
from workflows.engine.pauses import Pause
from workflows.engine.refusals import NotNow
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.subscriptions import Subscription


@dataclass(frozen=True)
class Deed:
    """Something to do to a row: what comes of it, the command, and the rule that it asks first."""

    label: str
    question: str  # with {} for what people call the row
    comes: str
    command: Callable[..., Any]
    rule: Callable[[Any], None]
    red: bool = False
    about: Callable[[Any], Any] = lambda row: row  # what the command is given
    foresee: Callable[[Any], list[str]] = lambda _: []  # what comes of it for this very row
    email: bool = False  # an address is typed, which the command is given too


def _event(name: str) -> Callable[[Any], None]:
    return lambda row: row.rehearse(name, by=g.account)


def _token(member: Membership) -> Any:
    token = tokens.of(member)
    if token is None:
        raise NotNow(f"{member.account.name} has no seat.")
    return token


DEEDS: Mapping[str, Mapping[str, Deed]] = {
    "invitations": {
        "resend": Deed(
            "Resend", "Resend the invitation to {}?",
            "The invitation leaves again, with the full time to answer. Links in "
            "earlier letters keep working.", invitations.resend, _event("resend"),
        ),
        "expire": Deed(
            "Expire", "Let the invitation to {} run out?",
            "It can be accepted no more, and whoever sent it hears of it. It can be "
            "sent again.", invitations.end, _event("expire"),
        ),
        "revoke": Deed(
            "Revoke Invitation", "Revoke the invitation to {}?",
            "It can be accepted no more. If its letter has left, another one "
            "says so.", invitations.revoke, _event("revoke"), red=True,
        ),
        "correct": Deed(
            "Correct Address", "Correct the address {}?",
            "This invitation is revoked, and the right address is invited "
            "instead, with the full time to answer. It stays the invitation of whoever sent it.",
            corrections.correct, lambda row: corrections.may_correct(row, by=g.account),
            email=True,
        ),
    },
    "memberships": {
        "assign": Deed(
            "Assign Seat", "Assign a seat to {}?",
            "A free seat of the organization is taken, and the letter about it "
            "leaves.", seats.assign, seats.may_assign,
        ),
        "mail-again": Deed(
            "Mail the Letter Again", "Mail the letter to {} again?",
            "The letter of the seat, or of the token, leaves once more to "
            "the same person. It says what it said.", deliveries.mail_again,
            lambda member: deliveries.may_mail_again(_token(member)), about=_token,
        ),
        "revoke-seat": Deed(
            "Revoke Seat", "Revoke the seat of {}?",
            "The token ends at this moment, and the seat is free. The member gets a "
            "letter.", seats.revoke, seats.may_revoke, red=True,
        ),
        "appoint": Deed(
            "Appoint as Owner", "Make {} the owner?",
            "It is done at once, without asking either. Both owners get a letter with your reason. "
            "For when the owner is gone or cannot be reached.",
            appointments.appoint, lambda row: appointments.may_appoint(row, by=g.account),
            red=True, foresee=appointments.foresee,
        ),
    },
    "subscriptions": {
        "settle": Deed(
            remedies.SETTLE.label, "Mark the bill of {} as paid?", remedies.SETTLE.comes,
            settlements.settle, settlements.may_settle, foresee=settlements.foresee,
        ),
        "drop": Deed(
            remedies.DROP.label, "Drop the purchase of {}?", remedies.DROP.comes,
            settlements.drop, settlements.may_drop, red=True,
        ),
    },
    "letters": {
        "retry": Deed(
            "Retry", "Retry letter {}?",
            "The letter begins anew: it is due at once, and has 72 hours again.",
            deliveries.retry, _event("retry"),
        ),
        "send-now": Deed(
            "Send Now", "Send letter {} now?",
            "The letter does not wait for its next try.", deliveries.send_now,
            _event("hurry"),
        ),
        "release": Deed(
            "Release", "Take letter {} from its worker?",
            "The letter is taken from a worker that fell silent, and is due at once. "
            "What that worker says later counts no more.", deliveries.release, _event("release"),
        ),
        "set-aside": Deed(
            "Set Aside", "Set letter {} aside?",
            "Nobody is sent this letter. It is kept, with all its tries.",
            deliveries.set_aside, _event("discard"), red=True,
        ),
    },
    "pauses": {
        "resume": Deed(
            "Resume", "Resume letters to {}?",
            "Letters to this domain leave again, those that waited at once.",
            deliveries.resume, _event("resume"),
        ),
    },
}  # fmt: skip
ROWS: Mapping[str, type[Any]] = {
    "invitations": Invitation, "memberships": Membership, "letters": Letter, "pauses": Pause,
    "subscriptions": Subscription,
}  # fmt: skip
