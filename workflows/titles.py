"""Titles: what people call the rows of a table, for operators. Read only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import select

from workflows.accounts import Account, SignUp
from workflows.engine.db import db
from workflows.engine.heartbeats import Heartbeat
from workflows.engine.letters import Letter
from workflows.errands import Errand
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token

LETTERS = {  # what a letter is called, by its template
    "alarm_raised": "Alarm to an operator",
    "alarm_over": "End of an alarm, to an operator",
    **dict.fromkeys(("confirm_sign_up", "confirm_address"), "Letter to confirm the address"),
    "sign_up_known": "Letter to somebody who signed up already",
    "address_taken": "Letter to the account whose address another asked for",
    "address_change_asked": "Letter to the address that is to be left",
    "address_changed": "Letter to the address that was left",
    "password_reset": "Letter to set a new password",
    "password_changed": "Letter about the new password",
    "subscription_settled": "Receipt of a settled bill",
    "subscription_renewed": "Receipt of the next period",
    **dict.fromkeys(
        ("subscription_past_due", "subscription_suspended"), "Letter about an open bill"
    ),
    "owner_appointed": "Letter to the new owner",
    "owner_replaced": "Letter to the owner before",
    "invitation": "Invitation letter",
    "invitation_reminder": "Reminder of the invitation",
    "seat_assigned": "Seat letter",
    "token": "Letter with the token",
    "token_reissued": "Letter with the new token",
    **dict.fromkeys(("seat_revoked", "seat_ended"), "Letter about the seat"),
    "member_removed": "Letter about the removal",
    "invitation_revoked": "Letter about the invitation",
    **dict.fromkeys(
        (f"invitation_{end}" for end in ("accepted", "declined", "expired", "bounced", "asked")),
        "Letter to the inviter",
    ),
    "move_asked": "Letter to the inviter",
    "move_refused": "Letter to whoever asked to move it",
    "seat_asked": "Letter about somebody who asks for a seat",
    "seat_refused": "Letter about the seat",
    "handover_offered": "Offer of ownership",
    **dict.fromkeys(
        (
            f"handover_{end}"
            for end in ("accepted", "declined", "canceled", "expired", "fell_through")
        ),
        "Letter about the offer of ownership",
    ),
    **dict.fromkeys(("subscription_started", "subscription_updated"), "Receipt"),
    **dict.fromkeys(
        (f"subscription_{change}" for change in ("canceled", "resumed", "ended")),
        "Letter about the subscription",
    ),
    "letters_came_back": "Letter to see whether an admin can be reached",
    "organization_closed": "Letter about the end of the organization",
}


def of(kind: str, ids: Collection[int]) -> dict[int, str]:
    """By id, what each of these rows is called; those of which nothing is known are missing."""
    query = _QUERIES.get(kind)
    if query is None or not ids:
        return {}
    named: Any = query.where(query.selected_columns[0].in_(list(ids)))
    called = {row_id: str(title) for row_id, title in db.session.execute(named)}
    words = _WORDS.get(kind)
    return {one: words(name) for one, name in called.items()} if words else called


def letter(template: str) -> str:
    """What letters of this template are called."""
    return LETTERS.get(template, f"Letter “{template.replace('_', ' ')}”")


def errand(deed: str) -> str:
    """What a bulk action is called: revoke seat."""
    return f"Bulk action: {deed.replace('-', ' ')}"


_WORDS: dict[str, Callable[[str], str]] = {"letters": letter, "errands": errand}


def _named(kind: Any) -> Any:
    holder = select(kind.id, Account.name).join(Membership, Membership.id == kind.membership_id)
    return holder.join(Account, Account.id == Membership.account_id)


_QUERIES: dict[str, Any] = {
    "heartbeats": select(Heartbeat.id, Heartbeat.kind + " on " + Heartbeat.host),
    "letters": select(Letter.id, Letter.template),
    "invitations": select(Invitation.id, Invitation.email),
    "tokens": _named(Token),
    "seats": _named(Seat),
    "organizations": select(Organization.id, Organization.name),
    "sign_ups": select(SignUp.id, SignUp.email),
    "subscriptions": select(Subscription.id, Organization.name).join(
        Organization, Organization.id == Subscription.organization_id
    ),
    "memberships": select(Membership.id, Account.name).join(Membership.account),
    "errands": select(Errand.id, Errand.deed),
    "handovers": select(Handover.id, Account.name)
    .join(Membership, Membership.id == Handover.chosen_id)
    .join(Account, Account.id == Membership.account_id),
}
