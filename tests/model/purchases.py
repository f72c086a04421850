"""What each command on a subscription should do in the town, from section 5."""

from model import lines
from model.town import KEEPERS, Subscription, unless


def purchase(town, by, place, seats):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    _require_sold(seats, organization.bought)
    unless(not organization.bought, "NotNow")
    waiting = [one for one in organization.subscriptions if one.state == "incomplete"]
    if [one.seats for one in waiting] == [seats]:
        return  # the same form twice: what was begun waits to be paid
    for other in organization.subscriptions:
        other.state = "canceled"
    organization.subscriptions.append(Subscription(seats))


def _require_sold(seats, late):
    """So many can be bought; where it is too late as well, either may be said."""
    unless(1 <= seats <= 100_000, "Invalid", *["NotNow"] * bool(late))


def pay(town, by, place, number):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    unless(subscription.state != "active", "allowed", "NotNow")
    unless(subscription.state == "incomplete", "NotNow")
    subscription.state = "active"
    lines.serve(town, place)


def resize(town, by, place, number, seats):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    _require_sold(seats, subscription.state != "active" or seats < organization.used)
    unless(subscription.state == "active", "NotNow")
    unless(seats != subscription.seats, "NotNow")
    unless(seats >= organization.used, "NotNow")
    subscription.seats = seats
    lines.serve(town, place)
