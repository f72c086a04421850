"""The Actions menu of each person: all its items in their order, and why one cannot be.

The sentence of an impossible item is the refusal itself: the rule is tried and what it says is
shown, so that the menu and the command behind it can never disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request, url_for

from web import errors, ways_out
from web.session import safe_path
from workflows import corrections, handovers, memberships, seats, waitlist
from workflows.accounts import Account
from workflows.engine import refusals
from workflows.invitations import Invitation
from workflows.journeys import Person
from workflows.memberships import Membership, RoleMachine
from workflows.moves import Move
from workflows.organizations import Organization
from workflows.seats import Room

LISTS = re.compile(r"(home|waitlist|(members|invitations)(/\d+)?)")  # where people have buttons


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


def of_people(people: list[Person], organization: Organization, *, by: Account) -> list[Row]:
    """The rows of these people on Manage Members."""
    members = [person.membership.id for person in people if person.membership]
    room, roles = seats.room(organization, members), RoleRules(by, organization)
    return [_row(person, organization.slug, by, room, roles) for person in people]


def came_from() -> str:
    """The page whose button was pressed, with its search: a list, a person's page or home.

    A page in between, which asks again, hands it on as `back`.
    """
    at, handed_on = f"/{g.organization.slug}/", request.form.get("back", "")
    page = safe_path(handed_on) or errors.back() or ""
    path = urlsplit(page).path
    if path.startswith(at) and LISTS.fullmatch(path.removeprefix(at)):
        return page
    return at + ("invitations" if request.args.get("from") == "invitations" else "members")


class RoleRules:
    """Asks the rules of roles once for all who are alike to them, not once for each person.

    They see of a member the role, whether it is the owner, and whether it is oneself. A page of
    fifty asks 200 times, which would be three quarters of what it costs.
    """

    def __init__(self, by: Account, organization: Organization) -> None:
        self._by = by
        mine = memberships.of(by, organization)
        self.owns = mine is not None and mine.is_owner
        self._open_one = handovers.pending(organization) if self.owns else None
        self._said: dict[tuple[str, str, tuple[bool, bool]], str | None] = {}

    def why_not(self, member: Membership, event: str) -> str | None:
        if member.state not in RoleMachine.sources(event):
            return member.no_arrow(event)
        alike = (event, member.state, member.alike(self._by))
        if alike not in self._said:
            self._said[alike] = member.why_not(event, by=self._by)
        return self._said[alike]

    def why_not_own(self, member: Membership) -> str | None:
        """Why ownership cannot be offered to this member."""
        return refusals.why_not(handovers.may_offer, member, self._open_one)

    def own_way_out(self, member: Membership) -> list[Item]:
        """On one's own row: leaving, and the next step towards it where it is not possible yet."""
        if member.account_id != self._by.id:
            return []
        at, way = f"/{member.organization.slug}/leave", ways_out.of(member)
        leave = Item("Leave Organization", at, self.why_not(member, "leave"), asks=True)
        return [leave, Item(way.label, way.path, asks=True)] if way else [leave]


def _row(person: Person, slug: str, by: Account, room: Room, roles: RoleRules) -> Row:
    if person.membership:
        items = _of_member(person, person.membership, slug, room, roles)
    else:
        assert person.invitation
        items = of_invitation(person.invitation, person.move, slug=slug, by=by)
    return Row(person, items, _button(person, items, slug))


def _button(person: Person, items: list[Item], slug: str) -> Item | None:
    if person.turn.button == "Buy Seats":
        return Item("Buy Seats", f"/{slug}/subscriptions", asks=True)
    if person.turn.button in ("Activate Token", "Token Access"):  # the reader's own
        return Item(person.turn.button, f"/{slug}/token", asks=True)
    named = [item for item in items if item.label == person.turn.button and not item.why_not]
    return named[0] if named else None


def _of_member(
    person: Person, member: Membership, slug: str, room: Room, roles: RoleRules
) -> list[Item]:
    def at(endpoint: str) -> str:
        return url_for(f"members.{endpoint}", slug=slug, membership_id=member.id)

    def role(label: str, event: str) -> Item:
        return Item(label, at(event), roles.why_not(member, event))

    stays = refusals.why_not(seats.may_revoke, member, room)
    leaves = roles.why_not(member, "remove")
    return [
        Item("Assign Seat", at("assign"), refusals.why_not(seats.may_assign, member, room)),
        Item("Revoke Seat", at("revoke_seat"), stays, asks=True),
        *_of_line(person, member, slug, room),
        role("Make Account Admin", "make_admin"),
        role("Make Billing Admin", "make_billing_admin"),
        role("Make Member", "make_member"),
        *_ownership(member, slug, roles),
        *roles.own_way_out(member),
        Item("Remove Member", at("remove"), leaves, asks=True, red=True),
    ]


def _of_line(person: Person, member: Membership, slug: str, room: Room) -> list[Item]:
    """What can be done about waiting for a seat: nothing for whoever could just have one."""
    standing = person.standing
    if member.id in room.holders or (room.count.free and standing is None):
        return []
    at = url_for("waitlist.line_up", slug=slug, membership_id=member.id)
    why_not = refusals.why_not(waitlist.may_line_up, member, standing, room)
    items = [Item("Put in Line", at, why_not)]
    if standing:
        label = "Remove from Line" if standing.in_line else "Say No"
        no = url_for("waitlist.refuse", slug=slug, membership_id=member.id)
        items.append(Item(label, no, asks=True))
    return items


def _ownership(member: Membership, slug: str, roles: RoleRules) -> list[Item]:
    if not roles.owns or member.is_owner:
        return []
    address = url_for("ownership.show", slug=slug, to=member.id)
    return [Item("Hand Over Ownership", address, roles.why_not_own(member), asks=True)]


def of_invitation(
    invitation: Invitation, move: Move | None = None, *, slug: str, by: Account
) -> list[Item]:
    """What can be done with an invitation that no member came of."""

    def at(endpoint: str) -> str:
        return url_for(endpoint, slug=slug, invitation_id=invitation.id)

    def item(label: str, endpoint: str, event: str, **more: bool) -> Item:
        return Item(label, at(endpoint), invitation.why_not(event, by=by), **more)

    stays = refusals.why_not(corrections.may_correct, invitation, by=by)
    items = [
        item("Resend", "guest_lists.resend", "resend"),
        Item("Correct Address", at("corrections.correct_page"), stays, asks=True),
        item("Extend", "corrections.extend", "extend"),
        item("Revoke Invitation", "guest_lists.revoke", "revoke", red=True),
    ]
    if move is None or items[-1].why_not:
        return items
    return [Item("Answer Request", at("corrections.move_page"), asks=True), *items]
