"""Guest lists: many addresses pasted at once, each with an answer of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import select

from workflows import invitations, quotas, seats, waitlist
from workflows.accounts import Account
from workflows.engine.db import command, db, lock
from workflows.engine.identity import parse_address
from workflows.engine.refusals import Invalid, why_not
from workflows.invitations import Invitation
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization

MOST = 500
FULL = "{} invitations are open, the most for now. Buy seats, or revoke some."


@dataclass(frozen=True)
class Outcome:
    """What happens to one address of the list: one or two words, and a sentence if it needs one."""

    address: str
    word: str
    sentence: str = ""
    good: bool = False  # it will be, or was, invited
    bad: bool = False  # it cannot be
    key: str = ""


def look_over(organization: Organization, text: str, *, by: Account) -> list[Outcome]:
    """What `invite` would do with this list. Nothing is sent."""
    require_admin(by, organization)
    return [outcome for outcome, _ in _judge(organization, text, "Will be invited")]


@command
def invite(
    organization: Organization, text: str, *, by: Account, seat: bool = False
) -> list[Outcome]:
    """Invite every good address of the list; bad ones stop no other, known ones hear nothing.

    With `seat` whoever accepts gets a free seat at once, or a place in line.
    """
    lock(organization)
    require_admin(by, organization)
    judged, bought = _judge(organization, text, "Invited"), seats.count(organization).bought
    lock(*(expired for _, expired in judged if expired))
    for index, (outcome, expired) in enumerate(judged):
        if outcome.good and (no := _send(organization, outcome, expired, bought, by)):
            judged[index] = _not_now(outcome, no), expired
    invited = [outcome.key for outcome, _ in judged if outcome.good]
    waitlist.wish_seats(organization, invited, seat, by=by)
    return [outcome for outcome, _ in judged]


def _send(
    organization: Organization,
    outcome: Outcome,
    expired: Invitation | None,
    bought: int,
    by: Account,
) -> str | None:
    """Invite this address, or say why it cannot be invited just now."""
    if expired:
        return why_not(invitations.resend, expired, by=by)
    if no := why_not(quotas.spend, organization, outcome.key, seats=bought, by=by):
        return no
    invitations.begin(organization, outcome.address, outcome.key, by=by)
    return None


def _not_now(outcome: Outcome, sentence: str) -> Outcome:
    return replace(outcome, word="Not now", sentence=sentence, good=False, bad=True)


def _judge(
    organization: Organization, text: str, good_word: str
) -> list[tuple[Outcome, Invitation | None]]:
    addresses = list(_split(text))
    if not addresses:
        raise Invalid(addresses="Type at least one address.")
    if len(addresses) > MOST:
        raise Invalid(addresses=f"{len(addresses)} addresses; invite at most {MOST} at once.")
    members, open_ones = _keys_of_members(organization), _open_invitations(organization)
    judged, seen, most = [], set[str](), quotas.room(seats.count(organization).bought)
    left = most - len(open_ones)
    for address in addresses:
        outcome, expired = _judge_one(address, members, open_ones, good_word)
        known = outcome.key or address
        if known in seen:
            outcome, expired = Outcome(address, "Written twice", "Once is enough."), None
        seen.add(known)
        if outcome.good and not expired:
            left -= 1
            outcome = outcome if left >= 0 else _not_now(outcome, FULL.format(most))
        judged.append((outcome, expired))
    return judged


def _judge_one(
    address: str, members: set[str], open_ones: dict[str, Invitation], good_word: str
) -> tuple[Outcome, Invitation | None]:
    try:
        spelling, key = parse_address(address)
    except Invalid as refusal:
        detail = str(refusal).removeprefix("This is not an e-mail address.").strip()
        return Outcome(address[:254], "Not an address", detail, bad=True), None
    if key in members:
        return Outcome(spelling, "Already a member", key=key), None
    if (known := open_ones.get(key)) is None:
        return Outcome(spelling, good_word, good=True, key=key), None
    if known.state == "sent":
        sentence = "Not answered yet. Resend renews the time."
        return Outcome(spelling, "Already invited", sentence, key=key), None
    sentence = "The earlier invitation has expired and is sent again."
    return Outcome(spelling, good_word, sentence, good=True, key=key), known


def _split(text: str) -> Iterator[str]:
    """The addresses in a text with commas, semicolons, spaces or lines between them."""
    for chunk in re.split(r"[,;\n\r\t]+", text):
        in_brackets = re.findall(r"<([^<>]*)>", chunk)
        words = [word.strip("\"'") for word in re.sub(r"<[^<>]*>", " ", chunk).split()]
        # Beside an address in brackets stands a name, which is no malformed address.
        yield from (word for word in words if word and ("@" in word or not in_brackets))
        yield from (address.strip() for address in in_brackets)


def _keys_of_members(organization: Organization) -> set[str]:
    keys = select(Account.email_key).join(Membership, Membership.account_id == Account.id)
    mine = keys.where(Membership.organization_id == organization.id, Membership.active)
    return set(db.session.scalars(mine))


def _open_invitations(organization: Organization) -> dict[str, Invitation]:
    found = select(Invitation).filter_by(organization=organization)
    waiting = found.where(Invitation.state.in_(["sent", "expired"]))
    return {invitation.email_key: invitation for invitation in db.session.scalars(waiting)}
