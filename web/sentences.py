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
    "setups.skip": ("{by} left a step of the set-up for later", ""),
    "logos._keep": ("{by} changed the logo", ""),
    "logos.take_down": ("{by} removed the logo", "revoked"),
    "billing_contacts.write": ("{by} changed the billing contact", ""),
    "billing_contacts.forget": ("{by} removed the billing contact", "revoked"),
    "crowd._bring": ("{by} brought in a crowd, to look around", "seated"),
    "guest_lists.invite": ("{by} invited {addresses}", "sent"),
    "invitations.resend": ("{by} sent the invitation of {addresses} again", "sent"),
    "invitations.extend": ("{by} gave the invitation of {addresses} more time", "sent"),
    "invitations.revoke": ("{by} revoked the invitation of {addresses}", "revoked"),
    "invitations.decline": ("{addresses} declined the invitation", "declined"),
    "invitations.end": ("{by} let the invitation of {addresses} expire", "expired"),
    "invitations.expire": ("The invitation of {addresses} expired", "expired"),
    "replies._ask_again": ("{addresses} asked for a new link", "expired"),
    "corrections.correct": ("{by} corrected the address of an invitation", "sent"),
    "moves.ask": ("{by} asked to have the invitation of {addresses} moved", "sent"),
    "moves.grant": ("{by} moved an invitation to whoever asked for it", "sent"),
    "moves.refuse": ("{by} left the invitation of {addresses} where it is", "sent"),
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
    "errands.plan": ("{by} looked over a bulk action", ""),
    "errands.begin": ("{by} did something to {members}", ""),
    "errands.stop": ("{by} stopped a bulk action", "revoked"),
    "errands.go_on": ("{by} stopped a bulk action that a former admin had begun", "revoked"),
    "errands.drop_old_plans": ("{by} dropped bulk actions that were never begun", ""),
    "exports.members": ("{by} exported the list of members", ""),
    "exports.activity": ("{by} exported the activity", ""),
    "waitlist.ask": ("{by} asked for a seat", "accepted"),
    "waitlist.withdraw": ("{by} wants no seat any more", "left"),
    "waitlist.line_up": ("{by} put {members} in line for a seat", "waitlisted"),
    "waitlist.line_up_all": ("{by} put {members} in line for seats", "waitlisted"),
    "waitlist.refuse": ("{by} gave {members} no seat", "revoked"),
    "tokens.activate": ("{by} activated the token", "active"),
    "tokens.reissue": ("{by} reissued the token", "reissued"),
    "restitutions._undo": ("{by} undid a change of address, and got a new token", "reissued"),
    "restores._end": ("What ended a token was lost in a restore, and was done again", "revoked"),
    "restores.stop_errands": ("A bulk action was stopped after a restore", "revoked"),
    "tokens.end_old": ("{by} ended the old token", "revoked"),
    "subscriptions.begin": ("{by} chose seats to buy", "incomplete"),
    "subscriptions.pay": ("{by} bought seats", "active"),
    "subscriptions.resize": ("{by} changed the number of seats", "active"),
    "cards.change": ("{by} changed the card", "active"),
    "renewals.renew": ("{by} had the card charged for the next period", "active"),
    "renewals.decline": ("{by} could not have the card charged for the next period", "past_due"),
    "cancellations.cancel": ("{by} canceled the subscription", "canceling"),
    "cancellations.resume": ("{by} resumed the subscription", "active"),
    "cancellations.end": ("The subscription ended", "canceled"),
    "cancellations.free": ("The seats of {members} were freed", "revoked"),
    "handovers.offer": ("{by} offered ownership to {members}", "sent"),
    "handovers.accept": ("{members} accepted ownership", "accepted"),
    "handovers.decline": ("{members} declined ownership", "declined"),
    "handovers.cancel": ("{by} took back the offer of ownership to {members}", "revoked"),
    "handovers._expire": ("The offer of ownership to {members} expired", "expired"),
    "deliveries.retry": ("{by} let a letter that failed begin anew", "sent"),
    "deliveries.send_now": ("{by} let a letter leave at once", "sent"),
    "deliveries.release": ("{by} took a letter from a worker that fell silent", "sent"),
    "deliveries.set_aside": ("{by} set a letter aside", "moot"),
    "deliveries.mail_again": ("{by} mailed a letter again", "sent"),
    "deliveries.pause": ("{by} paused letters to a domain", "expired"),
    "deliveries.resume": ("{by} resumed letters to a domain", "sent"),
    "inquiries.inquire": ("{by} wrote to the admins, whom no letter had reached", "sent"),
    "appointments.appoint": ("{by} made {members} the owner", "accepted"),
    "settlements.settle": ("{by} marked an overdue bill as paid by other means", "active"),
    "settlements.drop": ("{by} dropped a purchase that nobody paid", "canceled"),
    "leftovers.take_up": ("{by} let what was given up of a bulk action go on", ""),
    "remedies.serve": ("{by} gave free seats to those in line", "seated"),
    "closures.close": ("{by} closed the organization", "closed"),
    "alarms.keep_watch": ("What is stuck was told to the operators, or is over", ""),
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
    "account_closures.close": ("A member closed their account", "left"),
}
FROM_THE_LINE = ("{members} came next in line and got a seat", "seated")


@dataclass(frozen=True)
class Line:
    """One line of the activity page: pieces of a sentence, those with names marked, and why."""

    at: datetime
    words: list[tuple[str, bool]]
    state: str
    why: str


def line(entry: Entry, *, named: bool = False) -> Line:
    """The sentence for what happened, as far as the reader may see it; operators are `named`."""
    event = entry.action.event
    sentence, state = SENTENCES.get(event, (f"{{by}}: {event}", ""))  # of an account: no page's
    if _is_from_the_line(entry):
        sentence, state = FROM_THE_LINE
    return Line(entry.action.at, _words(sentence, entry, named), state, _why(entry))


def doer(entry: Entry) -> str:
    """Who did it; what the clock did, Usher did."""
    return "An operator" if entry.action.operator else entry.by or "Usher"


def _is_from_the_line(entry: Entry) -> bool:
    """Whether a seat that freed or was bought, whoever did that, found somebody in line."""
    served = any((step.kind, step.event) == ("places", "seat") for step in entry.steps)
    return served and entry.action.by_id is None


def _words(sentence: str, entry: Entry, named: bool) -> list[tuple[str, bool]]:
    operator = entry.action.operator and named
    names = {
        "by": f"{entry.by}, an operator," if operator else doer(entry),
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
    if entry.bills and entry.action.event.startswith("subscriptions."):
        return f"{entry.bills[0]}."
    return _before(entry)


def _before(entry: Entry) -> str:
    steps = {step.kind: step for step in entry.steps}
    if entry.action.event.startswith("roles.") and "memberships" in steps:
        return f"Was {ROLES[steps['memberships'].source or 'member'].lower()}."
    if entry.action.event.startswith("departures.") and "tokens" in steps:
        return "The seat was freed, and the token has ended."
    return ""
