"""The Actions menu of each person: all its items in their order, and why one cannot be.

The sentence of an impossible item is the refusal itself: the rule is tried and what it says is
shown, so that the menu and the command behind it can never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from workflows import seats
from workflows.accounts import Account
from workflows.engine import refusals
from workflows.invitations import Invitation
from workflows.journeys import Person
from workflows.memberships import Membership


@dataclass(frozen=True)
class Item:
    """One thing to do: posted at once, or a link where it `asks` again or leads elsewhere."""

    label: str
    address: str
    why_not: str | None = None
    asks: bool = False
    red: bool = False


@dataclass(frozen=True)
class Row:
    """A person with all that can be done, and the one button that moves them on."""

    person: Person
    items: list[Item]
    button: Item | None


def of_person(person: Person, slug: str, *, by: Account) -> Row:
    """The row of one person on Manage Members."""
    if person.membership:
        items = _of_member(person.membership, slug, by)
    else:
        assert person.invitation
        items = of_invitation(person.invitation, slug, by=by)
    return Row(person, items, _button(person, items, slug))


def _button(person: Person, items: list[Item], slug: str) -> Item | None:
    if person.turn.button == "Buy Seats":
        return Item("Buy Seats", f"/{slug}/subscriptions", asks=True)
    if person.turn.button in ("Activate Token", "Token Access"):  # the reader's own
        return Item(person.turn.button, f"/{slug}/token", asks=True)
    named = [item for item in items if item.label == person.turn.button and not item.why_not]
    return named[0] if named else None


def _of_member(member: Membership, slug: str, by: Account) -> list[Item]:
    def at(endpoint: str) -> str:
        return url_for(f"members.{endpoint}", slug=slug, membership_id=member.id)

    def role(label: str, event: str) -> Item:
        return Item(label, at(event), member.why_not(event, by=by))

    stays = refusals.why_not(seats.may_revoke, member)
    leaves = member.why_not("remove", by=by)
    return [
        Item("Assign Seat", at("assign"), refusals.why_not(seats.may_assign, member)),
        Item("Revoke Seat", at("revoke_seat"), stays, asks=True),
        role("Make Account Admin", "make_admin"),
        role("Make Billing Admin", "make_billing_admin"),
        role("Make Member", "make_member"),
        Item("Remove Member", at("remove"), leaves, asks=True, red=True),
    ]


def of_invitation(invitation: Invitation, slug: str, *, by: Account) -> list[Item]:
    """What can be done with an invitation that no member came of."""

    def item(label: str, event: str, red: bool = False) -> Item:
        address = url_for(f"guest_lists.{event}", slug=slug, invitation_id=invitation.id)
        return Item(label, address, invitation.why_not(event, by=by), red=red)

    return [item("Resend", "resend"), item("Revoke Invitation", "revoke", red=True)]
