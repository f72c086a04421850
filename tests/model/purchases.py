"""What each command on a subscription should do in the town, from section 5."""

from model import lines
from model.town import GRACE, KEEPERS, KEPT, LIVE, NEVER, OWED, No, Subscription, unless

BAD = "0341"  # a card that pays nothing but the purchase


def purchase(town, by, place, seats):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    few = seats < organization.used
    _require_sold(seats, organization.live or few)
    unless(not organization.live, "NotNow", *["Invalid"] * few)
    unless(not few, "NotNow", "Invalid")  # of those in use each needs one
    waiting = [one for one in organization.subscriptions if one.state == "incomplete"]
    if [one.seats for one in waiting] == [seats]:
        return  # the same form twice: what was begun waits to be paid
    for other in waiting:
        other.state = "canceled"
    organization.subscriptions.append(Subscription(seats))


def _require_sold(seats, late):
    """So many can be bought; where it is too late as well, either may be said."""
    unless(1 <= seats <= 100_000, "Invalid", *["NotNow"] * bool(late))


def pay(town, by, place, number, last4="4242"):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    if subscription.ends < NEVER:
        raise No("allowed", "NotNow")  # paid already, whatever became of it
    unless(subscription.state == "incomplete", "NotNow")
    unless(subscription.seats >= organization.used, "NotNow", "Invalid")
    _forget(organization.ended)  # all that was kept works again
    subscription.state, subscription.card = "active", last4
    _from_now_on(town, subscription)
    lines.serve(town, place)


def _from_now_on(town, subscription):
    subscription.day = town.day()
    subscription.ends = town.a_month_later(town.now, subscription.day)


def _forget(ended):
    if ended:
        ended.kept, ended.kept_until = 0, NEVER


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


def change_card(town, by, place, number, last4):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    unless(subscription.state in LIVE, "NotNow")
    subscription.card = last4


def charge(town, _):
    """The clock has come with the bills; the card that is declined is always the same."""
    for organization in town.organizations.values():
        for one in organization.subscriptions:
            due = one.ends if one.state == "active" else one.again
            if one.state in ("active", "past_due") and due <= town.now:
                (_decline if one.card == BAD else _go_on)(town, one)


def _go_on(town, subscription):
    """Paid: from the end of what was paid, where tokens worked on and that is not long ago."""
    following = town.a_month_later(subscription.ends, subscription.day)
    if subscription.state == "suspended" or following <= town.now:
        _from_now_on(town, subscription)
    else:
        subscription.ends = following
    subscription.state, subscription.owed, subscription.again = "active", NEVER, NEVER


def _decline(town, subscription):
    if subscription.state == "active":
        subscription.state, subscription.owed = "past_due", town.now
    quarters = (subscription.owed + GRACE / 4 * number for number in (1, 2, 3, 4))
    subscription.again = next((one for one in quarters if one > town.now), NEVER)
    if subscription.again == NEVER:
        subscription.state = "suspended"


def pay_now(town, by, place, number):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    unless(subscription.state in OWED, "NotNow")
    unless(subscription.card != BAD, "Declined")
    _go_on(town, subscription)


def cancel(town, by, place, number, word):
    """It works until the end of what is paid; what is owed ends at once."""
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    unless(subscription.state in ("active", *OWED), "NotNow")
    if subscription.state in OWED:
        subscription.word = word
        _end(town, place, subscription)
        return
    subscription.state, subscription.word = "canceling", word
    _tell(town, place, "subscription_canceled")


def resume(town, by, place, number):
    organization = town.organizations[place]
    organization.require(by, *KEEPERS)
    subscription = organization.subscriptions[number]
    unless(subscription.state == "canceling" and town.now < subscription.ends, "NotNow")
    subscription.state, subscription.word = "active", ""
    _tell(town, place, "subscription_resumed")


def _tell(town, place, template):
    """Whoever looks after the bill."""
    for number, member in enumerate(town.organizations[place].members):
        if member.role in KEEPERS:
            town.post(template, place, number)


def end(town, place, subscription):
    """The clock has come: what is in use outlives the subscription, what is free does not."""
    if subscription.state == "canceling" and subscription.ends <= town.now:
        _end(town, place, subscription)
    elif subscription.kept_until <= town.now:
        _free(town, place, subscription)


def _end(town, place, subscription):
    used = town.organizations[place].used
    subscription.state, subscription.again = "canceled", NEVER
    subscription.kept, subscription.kept_until = used, town.now + KEPT
    _tell(town, place, "subscription_ended")


def _free(town, place, subscription):
    for number, member in enumerate(town.organizations[place].members):
        if member.seated:
            lines.unseat(member, "seat_revoked")
            town.post("seat_ended", place, number, len(member.tokens) - 1)
    _forget(subscription)
