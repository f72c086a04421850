"""Guest lists: many addresses invited at once, each with an answer of its own.

What would surprise a reader: four thousand addresses cost as many statements as one hundred,
about fifty. What a row of the list is answered is decided here, before anything is sent and again
when it is; `errands` writes the answers down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select, text

from workflows import invitations, mailshots, quotas, seats, waitlist
from workflows.accounts import Account
from workflows.engine import sets
from workflows.engine.db import command, db, lock
from workflows.engine.identity import NO_ADDRESS, parse_address
from workflows.engine.refusals import Invalid
from workflows.invitations import Invitation
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization

COMMAND = "guest_lists.invite"  # what it is written down as, whoever calls
MOST, FEW = 10_000, 50  # at once; and how many are sent without being shown first
LONGEST = 300  # characters that are kept of what is no address
TWICE, NONE = "Listed twice", "No address"
FULL = "{} invitations are open, the most for now. Buy seats, or revoke some."


class Entry(NamedTuple):
    """What stands in a list, and where: the line of a file, or which of the typed ones."""

    place: int
    written: str
    problem: str = ""  # why there is no address in it, where that is known


class Outcome(NamedTuple):
    """What happens to one address of the list: one or two words, and a sentence if it needs one."""

    address: str
    word: str
    sentence: str = ""
    good: bool = False  # it will be, or was, invited
    bad: bool = False  # it cannot be
    key: str = ""
    place: int = 0
    expired: int | None = None  # the earlier invitation, which is sent again

    @property
    def why_not(self) -> str | None:
        """Why it is not invited, in one text."""
        return None if self.good else f"{self.word}. {self.sentence}".strip()


Listed = str | Sequence[Entry]  # as it was typed, or as it was found in a file


def look_over(organization: Organization, listed: Listed, *, by: Account) -> list[Outcome]:
    """What `invite` would do with this list. Nothing is sent."""
    require_admin(by, organization)
    return _judge(organization, listed, "Will be invited")


@command
def invite(
    organization: Organization, listed: Listed, *, by: Account, seat: bool = False
) -> list[Outcome]:
    """Invite every good address of the list; bad ones stop no other, known ones hear nothing.

    With `seat` whoever accepts gets a free seat at once, or a place in line.
    """
    lock(organization)
    require_admin(by, organization)
    judged = _judge(organization, listed, "Invited")
    refused = _send(organization, [one for one in judged if one.good], seat, by=by)
    return [
        _not_now(one, refused[one.key]) if one.good and one.key in refused else one
        for one in judged
    ]


def _send(
    organization: Organization, good: Sequence[Outcome], seat: bool, *, by: Account
) -> dict[str, str]:
    """Invite these; answers why some cannot be invited just now, by their keys."""
    expired = {one.expired: one.key for one in good if one.expired}
    late = _send_again(organization, expired, seat, by=by) if expired else {}
    fresh = {one.key: one.address for one in good if not one.expired}
    bought = seats.count(organization).bought
    refused = quotas.spend_all(organization, list(fresh), seats=bought, by=by)
    addresses = {key: fresh[key] for key in fresh if key not in refused}
    invitations.begin_all(organization, addresses, seat, by=by)
    return refused | late


def _send_again(
    organization: Organization, expired: Mapping[int, str], seat: bool, *, by: Account
) -> dict[str, str]:
    """The same for earlier invitations, by their ids, that nobody has answered in time."""
    refused = mailshots.resend(organization, list(expired), by=by)
    sent = [key for one, key in expired.items() if one not in refused]
    waitlist.wish_seats(organization, sent, seat, by=by)
    return {expired[one]: sentence for one, sentence in refused.items()}


def _not_now(outcome: Outcome, sentence: str) -> Outcome:
    return outcome._replace(word="Not now", sentence=sentence, good=False, bad=True)


def _judge(organization: Organization, listed: Listed, good_word: str) -> list[Outcome]:
    read = [_read(entry) for entry in _entries(listed)]
    known = _known(organization, [one.key for one in read if one.key], good_word)
    judged, seen, most = [], set[str](), quotas.room(seats.count(organization).bought)
    left = most - _number_open(organization)
    for one in read:
        known_by = one.key or one.address
        if known_by in seen and one.word != NONE:
            outcome = one._replace(word=TWICE, sentence="Once is enough.", bad=False)
        elif one.bad:
            outcome = one
        elif said := known.get(one.key):
            outcome = one._replace(**said)
        else:
            outcome = Outcome(one.address, good_word, good=True, key=one.key, place=one.place)
        seen.add(known_by)
        if outcome.good and not outcome.expired:
            left -= 1
            outcome = outcome if left >= 0 else _not_now(outcome, FULL.format(most))
        judged.append(outcome)
    return judged


def _entries(listed: Listed) -> Sequence[Entry]:
    entries = list(split(listed)) if isinstance(listed, str) else listed
    if not entries:
        raise Invalid(addresses="Type at least one address.")
    if len(entries) > MOST:
        raise Invalid(addresses=f"{len(entries):,} addresses; invite at most {MOST:,} at once.")
    return entries


def _read(entry: Entry) -> Outcome:
    """The address of an entry, not looked up yet; or what is wrong with it."""
    place, written, problem = entry
    if problem:
        return Outcome(written[:LONGEST], NONE, problem, bad=True, place=place)
    try:
        spelling, key = parse_address(written)
    except Invalid as refusal:
        detail = str(refusal).removeprefix(NO_ADDRESS).strip()
        return Outcome(written[:LONGEST], "Not an address", detail, bad=True, place=place)
    return Outcome(spelling, "", key=key, place=place)


def _known(
    organization: Organization, keys: Sequence[str], good_word: str
) -> dict[str, dict[str, Any]]:
    """What is to be said of addresses that are members or were invited before, by their keys."""
    answers: dict[str, dict[str, Any]] = {}
    for one, key, state in db.session.execute(open_invitations(organization.id, keys)):
        answers[key] = _of_invited(one, state, good_word)
    for key in db.session.scalars(members(organization.id, keys)):
        answers[key] = {"word": "Already a member"}
    return answers


def _of_invited(invitation_id: int, state: str, good_word: str) -> dict[str, Any]:
    if state == "sent":
        return {"word": "Already invited", "sentence": "Not answered yet. Resend renews the time."}
    sentence = "The earlier invitation has expired and is sent again."
    return {"word": good_word, "sentence": sentence, "good": True, "expired": invitation_id}


def members(organization_id: int, keys: Sequence[str]) -> Any:
    """Which of these addresses are those of members."""
    mine = select(Account.email_key).join(Membership, Membership.account_id == Account.id)
    here = mine.where(Membership.organization_id == organization_id, Membership.active)
    return here.where(sets.matches(Account.email_key, keys))


def open_invitations(organization_id: int, keys: Sequence[str]) -> Any:
    """The invitations that wait for an answer from these addresses, or did in vain."""
    asked = select(Invitation.id, Invitation.email_key, Invitation.state)
    here = asked.where(Invitation.organization_id == organization_id, text(invitations.IS_OPEN))
    return here.where(sets.matches(Invitation.email_key, keys))


def _number_open(organization: Organization) -> int:
    mine = select(func.count()).select_from(Invitation)
    here = mine.where(Invitation.organization_id == organization.id, text(invitations.IS_OPEN))
    return db.session.scalar(here) or 0


def split(written: str) -> Iterator[Entry]:
    """The addresses in a text with commas, semicolons, spaces or lines between them."""
    return (Entry(place, one) for place, one in enumerate(_split(written), 1))


def _split(written: str) -> Iterator[str]:
    for chunk in re.split(r"[,;\n\r\t]+", written):
        in_brackets = re.findall(r"<([^<>]*)>", chunk)
        words = [word.strip("\"'") for word in re.sub(r"<[^<>]*>", " ", chunk).split()]
        # Beside an address in brackets stands a name, which is no malformed address.
        yield from (word for word in words if word and ("@" in word or not in_brackets))
        yield from (address.strip() for address in in_brackets)


def is_final(sentence: str | None) -> bool:
    """Whether this was said of a row because of the list around it, and stays true."""
    return (sentence or "").startswith((TWICE, NONE))


def is_worth_another_try(sentence: str | None) -> bool:
    """Whether somebody who was not invited for this reason could be when asked again."""
    return not (sentence or "").startswith((TWICE, "Already a member", "Already invited"))
