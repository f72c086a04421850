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
    "invitations._expire": ("The invitation of {addresses} ran out of time", "expired"),
    "arrivals.accept": ("{by} accepted the invitation", "accepted"),
    "arrivals.arrive": ("{by} signed up and accepted the invitation", "accepted"),
    "memberships.make_admin": ("{by} made {members} an admin", ""),
    "memberships.make_billing_admin": ("{by} made {members} a billing admin", ""),
    "memberships.make_member": ("{by} made {members} a member", ""),
    "seats.assign": ("{by} assigned a seat to {members}", "seated"),
    "seats.revoke": ("{by} revoked the seat of {members}", "revoked"),
    "tokens.activate": ("{by} activated the token", "active"),
    "tokens.reissue": ("{by} reissued the token", "reissued"),
    "tokens.end_old": ("{by} ended the old token", "revoked"),
    "subscriptions.begin": ("{by} chose seats to buy", "incomplete"),
    "subscriptions.pay": ("{by} bought seats", "active"),
    "subscriptions.resize": ("{by} changed the number of seats", "active"),
    "departures.leave": ("{by} left the organization", "left"),
    "departures.remove": ("{by} removed {members}", "removed"),
    "departures._close_account": ("A member closed their account", "left"),
}


@dataclass(frozen=True)
class Line:
    """One line of the activity page: pieces of a sentence, those with names marked, and why."""

    at: datetime
    words: list[tuple[str, bool]]
    state: str
    why: str


def line(entry: Entry) -> Line:
    """The sentence for what happened, as far as the reader may see it."""
    sentence, state = SENTENCES[entry.action.event]
    return Line(entry.action.at, _words(sentence, entry), state, _why(entry))


def _words(sentence: str, entry: Entry) -> list[tuple[str, bool]]:
    names = {
        "by": "An operator" if entry.action.operator else entry.by or "Usher",
        "members": _several(entry.members),
        "addresses": _several(entry.addresses),
    }
    words = []
    for text, name, _, _ in Formatter().parse(sentence):
        words += [(text, False)] if text else []
        words += [(names[name], True)] if name else []
    return words


def _several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} people"


def _why(entry: Entry) -> str:
    """The second line: the reason given, or what else is worth knowing."""
    if entry.action.why:
        return f"{entry.action.why}."
    if len(entry.addresses) > 1:
        return f"{entry.addresses[0]} and {len(entry.addresses) - 1} more."
    if entry.bills:
        return f"{entry.bills[0]}."
    return _before(entry)


def _before(entry: Entry) -> str:
    steps = {step.kind: step for step in entry.steps}
    if entry.action.event.startswith("memberships.") and "memberships" in steps:
        return f"Was {ROLES[steps['memberships'].source or 'member'].lower()}."
    if entry.action.event.startswith("departures.") and "tokens" in steps:
        return "The seat is free again, and the token has ended."
    return ""
