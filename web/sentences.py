"""What happened, in sentences: one for each command that writes history, by its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from workflows.chronicles import Entry
from workflows.memberships import ROLES

# The sentence, and the state whose colour its dot has.
SENTENCES = {
    "organizations.found": ("{by} formed the organization", "active"),
    "organizations.rename": ("{by} renamed the organization", ""),
    "organizations.set_invitation_days": ("{by} changed how long invitations are valid", ""),
    "crowd._bring": ("{by} brought in a crowd, to look around", "seated"),
    "guest_lists.invite": ("{by} invited {addresses}", "sent"),
    "invitations.resend": ("{by} sent the invitation of {addresses} again", "sent"),
    "invitations.revoke": ("{by} revoked the invitation of {addresses}", "revoked"),
    "invitations.decline": ("{addresses} declined the invitation", "declined"),
    "invitations.expire": ("{by} let the invitation of {addresses} run out of time", "expired"),
    "invitations._expire": ("The invitation of {addresses} ran out of time", "expired"),
    "arrivals.accept": ("{by} accepted the invitation", "accepted"),
    "arrivals.arrive": ("{by} signed up and accepted the invitation", "accepted"),
    "roles.make_admin": ("{by} made {members} an admin", ""),
    "roles.make_billing_admin": ("{by} made {members} a billing admin", ""),
    "roles.make_member": ("{by} made {members} a member", ""),
    "seats.assign": ("{by} assigned a seat to {members}", "seated"),
    "seats.revoke": ("{by} revoked the seat of {members}", "revoked"),
    "seat_blocks.assign": ("{by} assigned seats to {members}", "seated"),
    "seat_blocks.revoke": ("{by} revoked the seats of {members}", "revoked"),
    "mailshots.resend": ("{by} sent the invitations of {addresses} again", "sent"),
    "mailshots.revoke": ("{by} revoked the invitations of {addresses}", "revoked"),
    "departures.remove_all": ("{by} removed {members}", "removed"),
    "errands.plan": ("{by} looked at what something would do to many people", ""),
    "errands.begin": ("{by} did something to {members}", ""),
    "errands.stop": ("{by} stopped what was under way for many people", "revoked"),
    "errands.go_on": ("{by} stopped what a former admin had begun for many people", "revoked"),
    "errands.drop_old_plans": ("{by} dropped what was planned for many people and not begun", ""),
    "exports.members": ("{by} exported the list of members", ""),
    "tokens.activate": ("{by} activated the token", "active"),
    "tokens.reissue": ("{by} reissued the token", "reissued"),
    "tokens.end_old": ("{by} ended the old token", "revoked"),
    "subscriptions.begin": ("{by} chose seats to buy", "incomplete"),
    "subscriptions.pay": ("{by} bought seats", "active"),
    "subscriptions.resize": ("{by} changed the number of seats", "active"),
    "handovers.offer": ("{by} offered ownership to {members}", "sent"),
    "handovers.accept": ("{members} accepted ownership", "accepted"),
    "handovers.decline": ("{members} declined ownership", "declined"),
    "handovers.cancel": ("{by} took back the offer of ownership to {members}", "revoked"),
    "handovers._expire": ("The offer of ownership to {members} ran out of time", "expired"),
    "deliveries.retry": ("{by} let a letter that failed begin anew", "sent"),
    "deliveries.retry_all": ("{by} let letters that failed begin anew", "sent"),
    "deliveries.send_now": ("{by} let a letter leave at once", "sent"),
    "deliveries.release": ("{by} took a letter from a worker that fell silent", "sent"),
    "deliveries.set_aside": ("{by} set a letter aside", "moot"),
    "deliveries.mail_again": ("{by} mailed a letter again", "sent"),
    "deliveries.pause": ("{by} paused letters to a domain", "expired"),
    "deliveries.resume": ("{by} resumed letters to a domain", "sent"),
    "closures.close": ("{by} closed the organization", "closed"),
    "reruns.again": ("{by} sent letters on their way again", "sent"),
    "reruns.discard": ("{by} set letters aside", "moot"),
    "reruns.seen": ("{by} looked at letters that may have been sent twice", ""),
    "remedies.write_invitation": ("{by} wrote the letter that an invitation had not got", "sent"),
    "remedies.write_token": ("{by} wrote a letter about a token once more", "sent"),
    "remedies.forget_process": ("{by} forgot a process that was stopped", ""),
    "acknowledgements.acknowledge": ("{by} wrote down what is known of a cause", ""),
    "remedies.put_right": ("{by} put the invitation of {addresses} right", "seated"),
    "remedies.make_token": ("{by} gave {members} the token that was missing", ""),
    "remedies.assign_seat": ("{by} assigned a seat to {members}", "seated"),
    "remedies.revoke_seat": ("{by} revoked the seat of {members}", "revoked"),
    "remedies.withdraw_offer": ("{by} ended the offer of ownership to {members}", "revoked"),
    "departures.leave": ("{by} left the organization", "left"),
    "departures.remove": ("{by} removed {members}", "removed"),
}


@dataclass(frozen=True)
class Line:
    """One line of the activity page: pieces of a sentence, those with names marked, and why."""

    at: datetime
    words: list[tuple[str, bool]]
    state: str
    why: str


def line(entry: Entry, *, named: bool = False) -> Line:
    """The sentence for what happened, as far as the reader may see it; operators are `named`."""
    sentence, state = SENTENCES[entry.action.event]
    return Line(entry.action.at, _words(sentence, entry, named), state, _why(entry))


def _words(sentence: str, entry: Entry, named: bool) -> list[tuple[str, bool]]:
    operator = f"{entry.by}, an operator," if named else "An operator"
    names = {
        "by": operator if entry.action.operator else entry.by or "Usher",
        "members": _several(entry.members, entry.how_many_members),
        "addresses": _several(entry.addresses, entry.how_many_addresses),
    }
    words = []
    for text, name, _, _ in Formatter().parse(sentence):
        words += [(text, False)] if text else []
        words += [(names[name], True)] if name else []
    return words


def _several(names: list[str], number: int) -> str:
    return names[0] if number == 1 and names else f"{number:,} people"


def _why(entry: Entry) -> str:
    """The second line: the reason given, or what else is worth knowing."""
    if entry.action.why:
        return f"{entry.action.why}."
    if entry.how_many_addresses > 1:
        return f"{entry.addresses[0]} and {entry.how_many_addresses - 1:,} more."
    if entry.bills:
        return f"{entry.bills[0]}."
    return _before(entry)


def _before(entry: Entry) -> str:
    steps = {step.kind: step for step in entry.steps}
    if entry.action.event.startswith("roles.") and "memberships" in steps:
        return f"Was {ROLES[steps['memberships'].source or 'member'].lower()}."
    if entry.action.event.startswith("departures.") and "tokens" in steps:
        return "The seat is free again, and the token has ended."
    return ""
