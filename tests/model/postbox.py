"""Which letters should leave, and to whom, from the specification's sections 3.7, 5, 6 and 9.2.

A letter *must* leave, *may* leave where the specification is silent, or *never*: it is moot.
"""

from model.town import KEEPERS

TO_INVITER = {"invitation_accepted", "invitation_declined", "invitation_expired"}
TO_INVITER |= {"invitation_bounced", "invitation_asked"}
TO_INVITED = {"invitation", "invitation_revoked"}
TO_HOLDER = {"seat_assigned", "seat_revoked", "seat_ended", "token", "token_reissued"}
TO_BILLER = {"subscription_canceled", "subscription_resumed", "subscription_ended"}
TO_WHO_WAITS, ON_MOVE = {"seat_refused"}, {"move_asked", "move_refused"}
TO_NEW, TO_OLD = {"confirm_address", "address_taken"}, {"address_change_asked", "address_changed"}
ON_CHANGE = TO_NEW | TO_OLD
TOLD = TO_INVITER | TO_INVITED | TO_HOLDER | TO_WHO_WAITS | ON_MOVE | ON_CHANGE
TOLD |= TO_BILLER


def wanted(town, letter):
    if letter.template in ON_CHANGE:
        return _about_change(town, letter)
    if not readers(town, letter):
        return "never"
    if letter.template in TO_HOLDER:
        return _about_token(town, letter)
    if letter.template in TO_WHO_WAITS:
        return _about_place(town, letter)
    if letter.template in TO_BILLER:
        return _about_subscription(town.organizations[letter.place], letter)
    if letter.template in ON_MOVE:
        return _about_move(town, letter)
    invitation = town.at(letter.place, letter.about[0])
    if letter.template in TO_INVITED and invitation.email in town.silent:
        return "never"
    return _about_invitation(town, letter, invitation)


def _is_closed(town, letter):
    return town.organizations[letter.place].closed


def _about_invitation(town, letter, invitation):
    match letter.template, invitation.state:
        case "invitation", "sent":
            current = letter.number == invitation.round and town.now < invitation.expires
            return "must" if current else "may"
        case "invitation", _:
            return "never"
        case template, _ if template in TO_INVITER and _is_closed(town, letter):
            return "may"
        case ("invitation_expired", state) if state != "expired":
            return "may"
        case ("invitation_bounced", state) if state != "sent" or letter.number != invitation.round:
            return "may"
        case "invitation_accepted", "closed":
            return "may"
        case "invitation_asked", _ if not invitation.asked or letter.number != invitation.round:
            return "may"
        case "invitation_revoked", _ if not invitation.handed_over:
            return "may"
        case "invitation_revoked", _ if town.organizations[letter.place].sent_to(invitation.email):
            return "may"
    return "must"


def _about_change(town, letter):
    """What is over is no news; whose address is taken may have left it meanwhile."""
    change = town.changes[letter.about[0]]
    if change.state != ("confirmed" if letter.template == "address_changed" else "asked"):
        return "never"
    taken = letter.template == "address_taken" and not town.person_at(change.email)
    return "may" if taken or change.ends <= town.now else "must"


def _about_place(town, letter):
    """Whoever has a seat, waits again or has gone needs no more to hear of a no."""
    organization = town.organizations[letter.place]
    member = organization.places[letter.about[0]].member
    over = organization.closed or not member.active or member.seated
    return "may" if over or organization.place_of(member) else "must"


def _about_move(town, letter):
    move = town.organizations[letter.place].moves[letter.about[0]]
    if letter.template == "move_refused":
        return "must"
    open_still = move.state == "asked" and move.invitation.state in ("sent", "expired")
    return "must" if open_still else "may"


def _about_subscription(organization, letter):
    """What is not so any more need not be told."""
    state = organization.live.state if organization.live else "ended" if organization.ended else ""
    told = {"subscription_canceled": "canceling", "subscription_resumed": "active"}
    return "must" if state == told.get(letter.template, "ended") else "may"


def _about_token(town, letter):
    member = town.of(letter.place, letter.about[0])
    token = member.tokens[letter.about[1]]
    current = token.generation == letter.number
    if letter.template in ("seat_revoked", "seat_ended"):
        over = member.seated or not member.active or _is_closed(town, letter)
        return "may" if over else "must"
    if not token.alive:
        return "never"
    if letter.template == "seat_assigned":
        return "must" if token.state == "inactive" else "may"
    works = current or token.ends[letter.number] > town.now
    return "must" if current else "may" if works else "never"


def readers(town, letter):
    """Every address that would be the right one to read it."""
    if letter.template in ON_CHANGE:
        change = town.changes[letter.about[0]]
        return {change.email if letter.template in TO_NEW else change.old}
    if letter.template in TO_INVITED:
        return {town.at(letter.place, letter.about[0]).email} - {""}
    return {town.people[one] for one in _people(town, letter)} - {None}


def _people(town, letter):
    organization = town.organizations[letter.place]
    if letter.template in TO_HOLDER:
        return {town.of(letter.place, letter.about[0]).person}
    if letter.template in TO_BILLER:
        member = town.of(letter.place, letter.about[0])
        return {member.person} if member.role in KEEPERS else set()
    if letter.template in TO_WHO_WAITS:
        return {organization.places[letter.about[0]].member.person}
    if letter.template == "move_refused":
        return {organization.moves[letter.about[0]].person}
    if letter.template == "move_asked":
        return _hosts(organization, organization.moves[letter.about[0]].invitation)
    return _hosts(organization, town.at(letter.place, letter.about[0]))


def _hosts(organization, invitation):
    """Whoever invited, while they are an admin; else another one."""
    inviter = organization.member(invitation.inviter)
    if inviter and inviter.role == "admin":
        return {invitation.inviter}
    admins = {one.person for one in organization.members if one.role == "admin"}
    return admins | {invitation.inviter}


def hand_over(town, letter):
    """It was taken by the mail server."""
    town.letters.remove(letter)
    _note(town, letter)
    if letter.template == "invitation":
        town.at(letter.place, letter.about[0]).handed_over = True


def keep_back(town, letter):
    """It did not leave."""
    town.letters.remove(letter)
    if letter.template == "invitation":
        invitation = town.at(letter.place, letter.about[0])
        invitation.kept_back |= invitation.email in town.silent


def _note(town, letter):
    """A token has left in a letter, and a server that refused it may have read it."""
    if letter.template in ("token", "token_reissued"):
        member = town.of(letter.place, letter.about[0])
        member.tokens[letter.about[1]].mailed = town.next()


def bounce(town, letter):
    """It was refused by the mail server."""
    town.letters.remove(letter)
    _note(town, letter)
    if letter.template == "invitation":
        number = town.at(letter.place, letter.about[0]).round
        town.post("invitation_bounced", letter.place, *letter.about, number=number)
