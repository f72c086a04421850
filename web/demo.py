"""An organization to look at, with people in every state; made by the commands the pages call."""

from __future__ import annotations

from datetime import timedelta

from web import crowd
from workflows import (
    accounts,
    arrivals,
    departures,
    gate,
    guest_lists,
    invitations,
    memberships,
    organizations,
    prices,
    roles,
    seats,
    subscriptions,
    tokens,
)
from workflows.accounts import Account
from workflows.billing import Card
from workflows.engine.db import command, now
from workflows.gate import Use
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization

NAME, SLUG = "Lumen Robotics", "lumen-robotics"
DOMAIN = "lumen-robotics.example"
PASSWORD = "only for looking around"
# Who they are, in the order they come; what became of each is in `fill`.
SEATED = ("Dev Raman", "Emi Sato", "Femi Adeyemi", "Hana Novak", "Ivo Petrov")
UNSEATED = ("Ben Okafor", "Chloe Martin", "Gus Lindqvist", "Jun Park")
INVITED = ("kim", "lee", "mia", "noa")
LOG_INS = {
    "Ada Lovett": "owner, with a token",
    "Ben Okafor": "admin, without a seat",
    "Chloe Martin": "billing admin",
    "Dev Raman": "member, all set: has downloaded",
    "Emi Sato": "member, token reissued",
    "Femi Adeyemi": "member with a seat, token not yet active",
    "Gus Lindqvist": "member who waits for a seat",
}


def address(name: str) -> str:
    return f"{name.split()[0].lower()}@{DOMAIN}"


def is_here() -> bool:
    return organizations.by_slug(SLUG) is not None


def fill() -> None:
    """Found the organization, buy eight seats, and bring everybody to where they are."""
    ada = accounts.confirm(accounts.sign_up("Ada Lovett", address("Ada"), PASSWORD))
    ours = organizations.found(NAME, SLUG, by=ada)
    chosen = subscriptions.begin(ours, 8, "monthly", by=ada)
    subscriptions.pay(chosen, Card("Visa", "4242", "12/2039"), by=ada)
    members = {name: _member(ours, name, ada) for name in (*SEATED, *UNSEATED)}
    own = memberships.of(ada, ours)
    assert own is not None
    for seated in (own, *(members[name] for name in SEATED)):
        seats.assign(seated, by=ada)
    for name in ("Dev Raman", "Emi Sato", "Ivo Petrov"):
        _activate(members[name])
    _activate(own)
    _reissue(members["Emi Sato"])
    _download(members["Dev Raman"])
    _change_roles(members, ada)
    _invite_the_rest(ours, ada)


def crowd_in(number: int) -> None:
    """Bring a crowd into the demo's organization, with seats for two thirds of them."""
    ours = organizations.by_slug(SLUG)
    assert ours
    assert ours.owner
    ada, bought = ours.owner.account, subscriptions.live(ours)
    assert bought
    wanted = min(bought.seats + number * 2 // 3, prices.MOST_SEATS)
    if wanted > bought.seats:
        subscriptions.resize(bought, wanted, by=ada)
    domain = f"crowd-{seats.count(ours).used}.{DOMAIN}"  # another crowd has other addresses
    crowd.gather(ours, number, domain, by=ada)


def _member(ours: Organization, name: str, ada: Account) -> Membership:
    account = arrivals.sign_up_by_link(_invite(ours, name, ada), name, PASSWORD)
    member = memberships.of(account, ours)
    assert member is not None
    return member


def _invite(ours: Organization, name: str, ada: Account) -> Invitation:
    guest_lists.invite(ours, address(name), by=ada)
    return next(one for one in invitations.of_organization(ours) if one.email == address(name))


def _activate(member: Membership) -> None:
    token = tokens.of(member)
    assert token is not None
    tokens.activate(token, by=member.account)


def _reissue(member: Membership) -> None:
    token = tokens.of(member)
    assert token is not None
    tokens.reissue(token, 1, 24, by=member.account)


def _download(member: Membership) -> None:
    token = tokens.of(member)
    assert token is not None
    assert token.current is not None
    gate.record_uses([Use(token.current.id, now(), "conda/26.3.1, 192.0.2.7", downloaded=True)])


def _change_roles(members: dict[str, Membership], ada: Account) -> None:
    roles.make_admin(members["Ben Okafor"], by=ada)
    roles.make_billing_admin(members["Chloe Martin"], by=ada)
    seats.revoke(members["Hana Novak"], by=ada)
    departures.remove(members["Ivo Petrov"], by=ada)
    departures.leave(members["Jun Park"], by=members["Jun Park"].account)


def _invite_the_rest(ours: Organization, ada: Account) -> None:
    _, lee, mia, noa = (_invite(ours, name, ada) for name in INVITED)
    invitations.decline(lee, lee.email, by=None)
    invitations.revoke(mia, by=ada)
    _let_time_pass(noa)
    invitations.expire_unanswered()


@command
def _let_time_pass(invitation: Invitation) -> None:
    invitation.expires_at = now() - timedelta(minutes=1)
