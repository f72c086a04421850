"""What becomes of a person's address and account in the town, from sections 1 and 4.5.

A new address is confirmed from its letter within a day by whoever asked, and undone from the old
one within three. An account can be closed by whoever owns no organization.
"""

from model import commands
from model.town import Change, unless

WITHIN, UNDO_WITHIN = 24, 72


def ask_change(town, by, email):
    """It takes the place of what was asked for before; nothing tells whether it is free."""
    late = ["NotNow"] * (town.people[by] is None)
    unless("@" in email and email != town.people[by], "Invalid", *late)
    unless(not late, "NotNow")
    cancel_change(town, by)
    taken = town.person_at(email)
    town.changes.append(Change(by, email, town.people[by], town.now + WITHIN))
    for template in ("address_taken" if taken else "confirm_address", "address_change_asked"):
        town.post(template, "", len(town.changes) - 1)


def cancel_change(town, by):
    unless(town.people[by], "NotNow")
    for change in town.changes:
        if (change.person, change.state) == (by, "asked"):
            change.end("canceled")


def confirm_change(town, by, number):
    """The letter proves an address, not a person; who has another account by now keeps it."""
    change = town.changes[number]
    over = ["NotNow"] * (change.state != "asked" or change.ends <= town.now)
    unless(change.person == by, "NotAllowed", *over)
    unless(not over and not town.person_at(change.email), "NotNow")
    town.people[by] = change.email
    change.state, change.ends = "confirmed", town.now + UNDO_WITHIN
    change.confirmed = town.next()
    town.post("address_changed", "", number)


def undo_change(town, by, number):
    """Here `by` is who types an address: the old one gets the account back, whoever changed it."""
    change = town.changes[number]
    over = ["NotNow"] * (change.state != "confirmed" or change.ends <= town.now)
    unless(not over, "NotNow", "Invalid")
    unless(town.address(by) == change.old, "Invalid")
    unless(town.person_at(change.old) in (None, change.person), "NotNow")
    town.people[change.person] = change.old
    change.end("undone")
    for later in town.changes[number + 1 :]:
        if later.person == change.person:
            _end(later)
    for place, organization in town.organizations.items():
        for number, member in enumerate(organization.members):
            if member.person == change.person:
                _renew(town, place, number, change.confirmed)


def _renew(town, place, number, since):
    """A token that was mailed elsewhere since then ends, and the old address gets the next."""
    for which, token in enumerate(town.of(place, number).tokens):
        if token.alive and token.mailed > since:
            commands.succeed(town, place, number, which, town.now)


def _end(change):
    if change.state in ("asked", "confirmed"):
        change.end("canceled" if change.state == "asked" else "settled")


def close_account(town, by):
    """Seat, token and place go with each membership; no organization is left without an owner."""
    unless(town.people[by], "NotNow")
    theirs = [(place, one, one.member(by)) for place, one in town.organizations.items()]
    unless(all(one.closed or one.owner.person != by for _, one, _ in theirs), "NotNow")
    for place, organization, member in theirs:
        if member and member is not organization.owner:
            commands.go(town, place, member, "left")
    for change in town.changes:
        if change.person == by:
            _end(change)
    _blank(town, by)


def _blank(town, person):
    """Nothing tells any more who it was."""
    town.people[person] = None
    for organization in town.organizations.values():
        for invitation in organization.invitations:
            if invitation.member and invitation.member.person == person:
                invitation.email = ""


def end_stale(town):
    for change in town.changes:
        if change.state in ("asked", "confirmed") and change.ends <= town.now:
            change.end("expired" if change.state == "asked" else "settled")
