"""What each command on seats and on the line for them should do in the town.

From sections 4.6 and 5, and from what is said of the waitlist at the end: it fills itself when a
seat frees or is bought; an admin puts people in line, and a member's own wish waits for an admin.
"""

from model.town import Place, Token, unless


def assign_seat(town, by, place, number):
    organization, member = town.organizations[place], town.of(place, number)
    organization.require(by, "admin")
    _may_have(member)
    unless(organization.free, "NotNow")
    seat(town, place, member)


def _may_have(member):
    unless(member.active and not member.seated, "NotNow")


def seat(town, place, member):
    """With the seat comes a token; whoever waited for it waits no more."""
    organization = town.organizations[place]
    member.seated = True
    member.tokens.append(Token())
    for invitation in organization.invitations:
        if invitation.member is member and invitation.state == "accepted":
            invitation.state = "seated"
    end(organization, member, "seated")
    number = next(n for n, one in enumerate(organization.members) if one is member)
    town.post("seat_assigned", place, number, len(member.tokens) - 1)


def revoke_seat(town, by, place, number, to=None):
    """The seat is given to whom the admin chose, or goes to the first in line."""
    member = town.of(place, number)
    town.organizations[place].require(by, "admin")
    unless(member.seated, "NotNow")
    if to is not None:
        _may_have(town.of(place, to))
    unseat(member, "seat_revoked")
    town.post("seat_revoked", place, number, len(member.tokens) - 1)
    if to is not None:
        seat(town, place, town.of(place, to))
    serve(town, place)


def unseat(member, reason):
    if member.seated:
        member.seated = False
        member.tokens[-1].state = "revoked"
        member.tokens[-1].reasons.add(reason)


def serve(town, place):
    """A free seat goes to whoever is first in line."""
    organization = town.organizations[place]
    while organization.line and organization.free:
        seat(town, place, organization.line[0].member)


def ask_seat(town, by, place, number, word):
    organization, member = town.organizations[place], town.of(place, number)
    _oneself(organization, member, by)
    waits = organization.place_of(member)
    unless(member.active and not member.seated and not waits, "NotNow")
    organization.places.append(Place(member, word=word))


def _oneself(organization, member, by):
    """Only the member; where one has gone or all is closed, it may be said that it is late."""
    over = ["NotNow", "NotFound"] * (organization.closed or not member.active)
    unless(member.person == by, "NotAllowed", *over)
    unless(not organization.closed, *over or ["NotNow"])


def withdraw(town, by, place, number):
    organization, member = town.organizations[place], town.of(place, number)
    _oneself(organization, member, by)
    unless(organization.place_of(member), "NotNow")
    end(organization, member, "withdrawn")


def line_up(town, by, place, number):
    """An admin grants a wish, or has one: a free seat at once, else the end of the line."""
    organization, member = town.organizations[place], town.of(place, number)
    organization.require(by, "admin")
    _may_have(member)
    waits = organization.place_of(member)
    unless(not waits or waits.state == "asked", "NotNow")
    seat_or_queue(town, place, member)


def seat_or_queue(town, place, member):
    organization = town.organizations[place]
    if organization.free:
        seat(town, place, member)
        return
    if not organization.place_of(member):
        organization.places.append(Place(member))
    waits = organization.place_of(member)
    waits.state = "queued"
    organization.line.append(waits)


def refuse_seat(town, by, place, number, word):
    organization, member = town.organizations[place], town.of(place, number)
    organization.require(by, "admin")
    waits = organization.place_of(member)
    unless(waits, "NotNow")
    waits.answer = word
    end(organization, member, "refused")
    about = next(n for n, one in enumerate(organization.places) if one is waits)
    town.post("seat_refused", place, about)


def end(organization, member, state):
    """The member waits no more, if they did."""
    if waits := organization.place_of(member):
        waits.state = state
        organization.line = [one for one in organization.line if one is not waits]
