"""Invitation letters: who hears of an invitation, and what; as things are when the letter leaves.

    the invited person      invitation, invitation_revoked if the first one left
    who looks after it      invitation_declined, invitation_expired, invitation_bounced

What would surprise a reader: who looks after it is the inviter only while they are an admin. A
letter to a mailbox that wants none is kept back, and nobody who invites can tell.
"""

from __future__ import annotations

from typing import Any

from workflows import silences
from workflows.engine import outbox, receipts, seals
from workflows.engine.rations import Ration
from workflows.engine.settings import settings
from workflows.invitations import Invitation, link, who_hears

Made = tuple[str, dict[str, Any]] | None
TOLD_IN = {  # the state in which it is still news
    "invitation_declined": "declined", "invitation_expired": "expired",
    "invitation_bounced": "sent",
}  # fmt: skip


@outbox.letter(
    "invitation", about=Invitation, rationed=Ration("recipient"), unwanted=silences.unwanted,
    bounced=lambda invitation: _tell_bounced(invitation),
)  # fmt: skip
def to_invited(invitation: Invitation, letter: Any) -> Made:
    if invitation.state != "sent" or invitation.round != letter.generation:
        return None
    return invitation.email, facts(invitation)


def facts(invitation: Invitation) -> dict[str, Any]:
    """What every letter that invites says, and the way out of getting more of them."""
    return {
        "inviter_name": invitation.inviter.name,
        "inviter_email": invitation.inviter.email,
        "organization": invitation.organization.name,
        "url": link(invitation),
        "expires_at": invitation.expires_at,
        "days": invitation.organization.invitation_days,
        "never_url": f"{settings().base_url}/never/{seals.seal('never', invitation.id)}",
    }


@outbox.letter("invitation_revoked", about=Invitation, rationed=True, unwanted=silences.unwanted)
def to_disinvited(invitation: Invitation, _: Any) -> Made:
    """Only somebody who has had the first letter needs the second."""
    if not receipts.was_sent("invitation", invitation.id):
        return None
    inviter = {"inviter_email": invitation.inviter.email}
    return invitation.email, {"organization": invitation.organization.name, **inviter}


@outbox.letter("invitation_declined", about=Invitation)
@outbox.letter("invitation_expired", about=Invitation)
@outbox.letter("invitation_bounced", about=Invitation)
def to_inviter(invitation: Invitation, letter: Any) -> Made:
    if invitation.state != TOLD_IN[letter.template]:
        return None
    about = {"email": invitation.email, "organization": invitation.organization.name}
    at = f"{settings().base_url}/{invitation.organization.slug}"
    bounced = letter.template == "invitation_bounced"
    url = f"{at}/invitations/{invitation.id}/correct" if bounced else f"{at}/members"
    sent = outbox.newest(("invitation",), [invitation.id]).get(invitation.id)
    said = {"reply": (sent.reply if sent else None) or "", "word": invitation.word or ""}
    return who_hears(invitation).email, {**about, **said, "url": url}


def _tell_bounced(invitation: Invitation) -> None:
    outbox.post("invitation_bounced", about=invitation, generation=invitation.round)
