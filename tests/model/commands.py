"""What each command should do in the town, from the specification's sections 2, 3, 4 and 6.

Seats stand in `lines`, what is bought in `purchases`, other ends of invitations in `replies`, and
the ends of ownership in `owners`.
"""

from model import addresses, lines, owners, purchases, replies
from model.town import (
    HOURS,
    KEEPERS,
    RESERVED,
    Invitation,
    Member,
    No,
    Organization,
    unless,
)


def found(town, by, name, typed):
    place = typed.lower()
    late = ["NotNow"] * (not town.people[by])
    unless(place not in town.organizations and place not in RESERVED, "Invalid", *late)
    unless(not late, "NotNow")
    founder = Member(by, "admin")
    town.organizations[place] = Organization(name, [founder], founder)


def rename(town, by, place, name):
    town.organizations[place].require(by, "admin")
    town.organizations[place].name = name


def set_invitation_days(town, by, place, days):
    town.organizations[place].require(by, "admin")
    town.organizations[place].days = days


def invite(town, by, place, emails, seat=False):
    """Good addresses go out even if others are bad; no member, and nobody twice.

    Whoever wishes them a seat is from then on the one who invited them.
    """
    organization = town.organizations[place]
    organization.require(by, "admin")
    for email in emails:
        known = organization.sent_to(email) or town.member_at(place, email)
        if "@" in email and not known:
            _send(town, by, place, email)
            sent = organization.sent_to(email)
            sent.seat, sent.inviter = seat, by if seat else sent.inviter


def _send(town, by, place, email):
    """What has expired is sent again; else there is one more."""
    organization = town.organizations[place]
    for number, known in enumerate(organization.invitations):
        if (known.email, known.state) == (email, "expired"):
            return resend(town, by, place, number)
    expires = town.now + organization.days * 24
    organization.invitations.append(Invitation(email, by, expires))
    town.post("invitation", place, len(organization.invitations) - 1, number=1)


def resend(town, by, place, number):
    organization, invitation = town.organizations[place], town.at(place, number)
    organization.require(by, "admin")
    unless(invitation.state in ("sent", "expired"), "NotNow")
    other = organization.sent_to(invitation.email)
    unless(other in (None, invitation), "NotNow")
    invitation.state, invitation.expires = "sent", town.now + organization.days * 24
    invitation.round, invitation.asked = invitation.round + 1, False
    town.post("invitation", place, number, number=invitation.round)


def accept(town, by, place, number):
    organization, invitation = town.organizations[place], town.at(place, number)
    unless(town.address(by), "NotNow", "NotAllowed", "Invalid")
    if invitation.member and invitation.member.active and invitation.member.person == by:
        raise No("allowed", "NotNow", "NotAllowed", "Invalid")  # maybe from a new address
    replies.addressed(town, invitation, by)
    unless(invitation.state == "sent" and town.now < invitation.expires, "NotNow")
    _take_in(town, place, organization, invitation, by)
    town.post("invitation_accepted", place, number)


def _take_in(town, place, organization, invitation, person):
    """Whoever is a member already stays the same member; a wish for a seat is an admin's."""
    fresh, inviter = not organization.member(person), organization.member(invitation.inviter)
    if fresh:
        organization.members.append(Member(person))
    invitation.member = organization.member(person)
    invitation.state = "seated" if invitation.member.seated else "accepted"
    if fresh and invitation.seat and inviter and inviter.role == "admin":
        lines.seat_or_queue(town, place, invitation.member)


def sign_up_by_link(town, by, place, number):
    """Here `by` is nobody: the link proves the invited address."""
    organization, invitation = town.organizations[place], town.at(place, number)
    unless(not town.person_at(invitation.email), "NotNow", "NotAllowed", "Invalid")
    unless(invitation.state == "sent" and town.now < invitation.expires, "NotNow")
    _take_in(town, place, organization, invitation, town.newcomer(invitation.email))
    town.post("invitation_accepted", place, number)


def make_admin(town, by, place, number):
    _change_role(town, by, place, number, "admin")


def make_billing_admin(town, by, place, number):
    _change_role(town, by, place, number, "billing_admin")


def make_member(town, by, place, number):
    _change_role(town, by, place, number, "member")


def _change_role(town, by, place, number, role):
    organization, member = town.organizations[place], town.of(place, number)
    mine = organization.require(by, "admin")
    later = ["NotNow"] * (not member.active or member.role == role)
    unless(member is not mine and member is not organization.owner, "NotAllowed", *later)
    unless(not later, "NotNow")
    owners.fall_through(organization, member)
    member.role = role


def leave(town, by, place, number):
    organization, member = town.organizations[place], town.of(place, number)
    unless(member.person == by, "NotAllowed", "NotFound")
    unless(member.active, "NotNow", "NotFound")
    unless(member is not organization.owner, "NotNow", "NotAllowed")
    unless(member.role not in KEEPERS, "NotNow")
    go(town, place, member, "left")


def remove(town, by, place, number):
    organization, member = town.organizations[place], town.of(place, number)
    mine = organization.require(by, "admin")
    unless(member is not mine and member is not organization.owner, "NotAllowed")
    unless(member.active, "NotNow")
    go(town, place, member, "removed")


def go(town, place, member, role):
    """Seat, token and place in line go at once, and what was not finished is closed."""
    organization = town.organizations[place]
    owners.fall_through(organization, member)
    lines.end(organization, member, "withdrawn")
    lines.unseat(member, "member_gone")
    lines.serve(town, place)
    for token in member.tokens:
        token.reasons.add("member_gone")
    member.role = role
    for invitation in organization.invitations:
        if invitation.member is member and invitation.state == "accepted":
            invitation.state = "closed"


def activate(town, by, place, number, which):
    token = _own_token(town, by, place, number, which)
    unless(token.state == "inactive", "NotNow")
    token.state, token.generation, token.mailed = "active", 1, town.next()
    town.post("token", place, number, which, number=1)


def _own_token(town, by, place, number, which, *also):
    """The holder's alone; of somebody who has gone it may also be said that it is dead."""
    member = town.of(place, number)
    token = member.tokens[which]
    later = ["NotNow", *also] * (not token.alive)
    unless(town.organizations[place].member(by), "NotFound", "NotAllowed", *later)
    unless(member.person == by, "NotAllowed", *later)
    return token


def reissue(town, by, place, number, which, shown, hours):
    """`shown` is the generation on the page that asks."""
    token = _own_token(town, by, place, number, which, *["Invalid"] * (hours not in HOURS))
    late = not token.generation or not token.alive or shown != token.generation
    unless(hours in HOURS, "Invalid", *["NotNow"] * bool(late))
    unless(not late, "NotNow")
    succeed(town, place, number, which, town.now + hours)


def succeed(town, place, number, which, end):
    """The next secret, and a letter with it; those before it end then."""
    token = town.of(place, number).tokens[which]
    _end(token, end, token.generation)
    token.state, token.generation, token.mailed = "reissued", token.generation + 1, town.next()
    town.post("token_reissued", place, number, which, number=token.generation)


def _end(token, at, newest):
    """Every secret up to this one dies then, or keeps its earlier end."""
    for generation in range(1, newest + 1):
        token.ends[generation] = min(at, token.ends.get(generation, at))


def end_old(town, by, place, number, which):
    token = _own_token(town, by, place, number, which)
    unless(token.alive, "NotNow", "allowed")
    if not any(end > town.now for end in token.ends.values()):
        raise No("allowed", "NotNow")
    _end(token, town.now, token.generation - 1)


def expire(town, _):
    """The clock has come."""
    for place, organization in town.organizations.items():
        for number in range(len(organization.invitations)):
            replies.over(town, place, number)
        owners.expire(town, organization)
        for subscription in organization.subscriptions:
            purchases.end(town, place, subscription)
    addresses.end_stale(town)
