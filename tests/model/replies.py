"""What becomes of an invitation beside yes and no, from sections 3.4, 3.6 and what users miss.

A move: somebody logged in with another address asks to have the invitation, and an admin answers.
"""

from model.town import Invitation, Move, No, unless

DAY = 24


def addressed(town, invitation, by):
    """An invitation belongs to its address; where it is over as well, either may be said."""
    if not invitation.email or town.address(by) != invitation.email:
        over = invitation.state != "sent" or invitation.expires <= town.now
        raise No("NotAllowed", "Invalid", *["NotNow"] * over)


def decline(town, by, place, number, word=""):
    invitation = town.at(place, number)
    addressed(town, invitation, by)
    unless(invitation.state == "sent", "NotNow")
    invitation.state, invitation.word = "declined", word
    town.post("invitation_declined", place, number)


def extend(town, by, place, number):
    """The full time again, without a letter; of use where it gains a day."""
    organization, invitation = town.organizations[place], town.at(place, number)
    organization.require(by, "admin")
    unless(invitation.state in ("sent", "expired"), "NotNow")
    expires = town.now + organization.days * DAY
    unless(invitation.state == "expired" or expires - invitation.expires >= DAY, "NotNow")
    other = organization.sent_to(invitation.email)
    unless(other in (None, invitation), "NotNow")
    invitation.state, invitation.expires, invitation.asked = "sent", expires, False


def revoke(town, by, place, number):
    invitation = town.at(place, number)
    town.organizations[place].require(by, "admin")
    unless(invitation.state in ("sent", "expired"), "NotNow")
    take_back(town, place, number)


def take_back(town, place, number):
    """Only somebody who has had the first letter hears of it."""
    invitation = town.at(place, number)
    invitation.state = "revoked"
    if invitation.handed_over or invitation.kept_back:
        town.post("invitation_revoked", place, number)


def correct(town, by, place, number, email):
    organization, invitation = town.organizations[place], town.at(place, number)
    organization.require(by, "admin")
    new = "@" in email and email != invitation.email and not town.member_at(place, email)
    known = [one.email for one in organization.invitations if one.state in ("sent", "expired")]
    new = new and email not in known
    late = invitation.state not in ("sent", "expired")
    unless(new, "Invalid", *["NotNow"] * late)
    unless(not late, "NotNow")
    take_back(town, place, number)
    expires = town.now + organization.days * DAY
    organization.invitations.append(Invitation(email, by, expires, seat=invitation.seat))
    town.post("invitation", place, len(organization.invitations) - 1, number=1)


def ask_move(town, by, place, number):
    """Twice is once; nobody asks again who was told no, or beside somebody else."""
    organization, invitation = town.organizations[place], town.at(place, number)
    about = [one for one in organization.moves if one.invitation is invitation]
    if about and (about[-1].state, about[-1].person) == ("asked", by):
        return
    unless(invitation.state == "sent" and town.now < invitation.expires, "NotNow")
    unless(town.address(by) != invitation.email and not organization.member(by), "NotNow")
    mine = [one for one in about if one.person == by and one.state == "refused"]
    unless(not mine and not any(one.state == "asked" for one in about), "NotNow")
    town.silent.discard(town.address(by))
    organization.moves.append(Move(invitation, by))
    town.post("move_asked", place, len(organization.moves) - 1)


def grant_move(town, by, place, number):
    """As a correction to the address of who asked."""
    organization = town.organizations[place]
    move = organization.moves[number]
    organization.require(by, "admin")
    late = ["NotNow"] * (move.state != "asked" or not town.people[move.person])
    at = next(n for n, one in enumerate(organization.invitations) if one is move.invitation)
    unless(not late, "NotNow", "Invalid")
    correct(town, by, place, at, town.people[move.person])
    move.state = "granted"


def refuse_move(town, by, place, number):
    organization = town.organizations[place]
    organization.require(by, "admin")
    unless(organization.moves[number].state == "asked", "NotNow")
    organization.moves[number].state = "refused"
    town.post("move_refused", place, number)


def ask_again(town, by, place, number):
    """A new link is asked for where the time is over, whether or not the clock has come by."""
    invitation = town.at(place, number)
    addressed(town, invitation, by)
    over(town, place, number)
    unless(invitation.state == "expired", "NotNow")
    town.silent.discard(invitation.email)
    invitation.asked = True
    town.post("invitation_asked", place, number, number=invitation.round)


def over(town, place, number):
    invitation = town.at(place, number)
    if invitation.state == "sent" and invitation.expires <= town.now:
        invitation.state = "expired"
        town.post("invitation_expired", place, number)


def never_again(town, by, place, number):
    """No more invitations to this mailbox, from anybody; whoever invites is told nothing."""
    addressed(town, town.at(place, number), by)
    town.silent.add(town.address(by))


def hear_again(town, by, place, number):
    addressed(town, town.at(place, number), by)
    town.silent.discard(town.address(by))
