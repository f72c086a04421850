"""What each command on ownership should do in the town, from sections 2.6 and 4.5."""

from model import lines, replies
from model.town import NEVER, Offer, unless

WEEK = 7 * 24


def offer(town, by, place, number):
    organization, member = town.organizations[place], town.of(place, number)
    _require_owner(organization, by)
    unless(member is not organization.owner and member.role == "admin", "NotNow")
    unless(not organization.offer, "NotNow")
    organization.offers.append(Offer(organization.owner, member, town.now + WEEK))


def _require_owner(organization, by):
    unless(organization.require(by) is organization.owner, "NotAllowed")


def accept_offer(town, by, place, number):
    organization = town.organizations[place]
    asked = _asked(organization, by, number, "chosen")
    unless(town.now < asked.expires, "NotNow")
    asked.state, organization.owner = "accepted", asked.chosen


def _asked(organization, by, number, whose):
    """The open offer, for whose it is; of one that is over either may be said."""
    asked = organization.offers[number]
    organization.require(by, "admin")
    over = ["NotNow"] * (asked.state != "offered")
    unless(getattr(asked, whose).person == by, "NotAllowed", *over)
    unless(not over, "NotNow")
    return asked


def decline_offer(town, by, place, number):
    _asked(town.organizations[place], by, number, "chosen").state = "declined"


def cancel_offer(town, by, place, number):
    _asked(town.organizations[place], by, number, "owner").state = "canceled"


def fall_through(organization, member):
    """Whoever is no admin any more cannot become the owner."""
    if organization.offer and organization.offer.chosen is member:
        organization.offer.state = "canceled"


def expire(town, organization):
    if organization.offer and organization.offer.expires <= town.now:
        organization.offer.state = "expired"


def close(town, by, place, typed):
    """Subscription canceled, tokens dead, nothing left open; who was a member is history."""
    organization = town.organizations[place]
    _require_owner(organization, by)
    unless(typed.lower() == place, "Invalid")
    organization.closed = True
    fall_through(organization, organization.offer and organization.offer.chosen)
    for subscription in organization.subscriptions:
        subscription.state, subscription.kept, subscription.kept_until = "canceled", 0, NEVER
    for member in organization.members:
        lines.end(organization, member, "withdrawn")
        if member.seated:
            member.seated, member.tokens[-1].state = False, "revoked"
    for number, invitation in enumerate(organization.invitations):
        _end(town, place, number, invitation)


def _end(town, place, number, invitation):
    if invitation.state == "accepted":
        invitation.state = "closed"
    elif invitation.state in ("sent", "expired"):
        replies.take_back(town, place, number)
