"""Replies: what an invited person may say beside yes and no.

What would surprise a reader: none of these lets anybody in, and all but the button of a mail
program ask for the invited address, since mail scanners press buttons but know no address.
"""

from __future__ import annotations

from typing import Any

from workflows import invitations, memberships, silences
from workflows.accounts import Account
from workflows.engine import limits, outbox
from workflows.engine.db import command, lock, now
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.invitations import Invitation

ASKED = "You asked for a new link already."


def ask_again(invitation: Invitation, email: str, *, by: Account | None) -> None:
    """Let who invited know that a new link is wanted, with one click to send it."""
    invitations.require_addressee(invitation, email, by=by)
    invitations.expire(invitation)  # the clock may not have come by yet
    _ask_again(invitation, by=by)


@command
def _ask_again(invitation: Invitation, *, by: Account | None) -> None:
    lock(invitation)
    memberships.require_open(invitation.organization)
    invitation.rehearse("ask_again", by=by)
    limits.count("ask", invitation.id, sentence=ASKED)
    silences.end(invitation.email_key)  # else the letter they ask for would be kept back
    invitation.fire("ask_again", by=by, asked_at=now())
    outbox.post("invitation_asked", about=invitation, generation=invitation.round)


@command
def silence(invitation: Invitation, email: str, *, by: Account | None) -> None:
    """No more invitations to this mailbox, from anybody."""
    invitations.require_addressee(invitation, email, by=by)
    silences.begin(invitation.email_key)


@command
def silence_at_once(invitation: Invitation) -> None:
    """The same by the button of a mail program (RFC 8058), which knows no address."""
    silences.begin(invitation.email_key)


@command
def hear_again(invitation: Invitation, email: str, *, by: Account | None) -> None:
    """Let invitations reach this mailbox again."""
    invitations.require_addressee(invitation, email, by=by)
    silences.end(invitation.email_key)


@outbox.letter("invitation_asked", about=Invitation, rationed=True)
def to_inviter(invitation: Invitation, letter: Any) -> Made:
    if invitation.asked_at is None or invitation.round != letter.generation:
        return None
    organization = invitation.organization
    url = f"{settings().base_url}/{organization.slug}/invitations/{invitation.id}"
    facts = {"email": invitation.email, "organization": organization.name, "url": url}
    return invitations.who_hears(invitation).email, facts
