"""Journeys: the person's line from invited to first download, and whose turn it is. Read only.

Nothing here is stored. State, turn and sentence are worked out from the rows of the other
workflows, once for every page, so that the members page, the home page and the person's own page
can never tell three stories.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from workflows import seats
from workflows.engine import outbox
from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.tokens import Token

STEPS = ("Invited", "Accepted", "Seated", "Activated", "First download")
TURNS = ("Your turn", "Their turn", "Usher's turn", "All set", "Ended")
ENDED_ARE_SHOWN = timedelta(days=90)


@dataclass(frozen=True)
class Turn:
    """Whose turn it is, since when, why, and the label of the one button that moves it on."""

    whose: str
    sentence: str
    since: datetime | None = None
    button: str | None = None
    bad: bool = False  # a letter failed


@dataclass(frozen=True)
class Person:
    """A line of the members page: a member, or an invitation that no member came of yet."""

    state: str
    done: int  # how many of STEPS are behind them
    turn: Turn
    membership: Membership | None = None
    invitation: Invitation | None = None
    token: Token | None = None

    @property
    def marks(self) -> list[tuple[str, str]]:
        """Each step with `done`, `now`, `yours`, `bad`, `over` or the empty mark `to come`."""
        now_mark = {"Your turn": "yours", "Ended": "over", "All set": ""}.get(
            self.turn.whose, "now"
        )
        here = "bad" if self.turn.bad else now_mark
        marks = ["done"] * self.done + [here] + [""] * len(STEPS)
        return list(zip(STEPS, marks, strict=False))


def people(organization: Organization, reader: Membership | None = None) -> list[Person]:
    """Everybody of an organization and every open or lately ended invitation, yours first.

    The reader's own line, if one reads, is told as `for_themselves` tells it.
    """
    lines = [*_members(organization), *_invitations(organization)]
    if reader:
        lines = [for_themselves(one) if one.membership is reader else one for one in lines]
    return sorted(lines, key=lambda person: TURNS.index(person.turn.whose))


def of_member(membership: Membership) -> Person:
    """The line of one member."""
    tokens = select(Token).where(Token.membership_id == membership.id)
    return _of_members(membership.organization, [membership], tokens)[0]


def for_themselves(person: Person) -> Person:
    """The line of a member as that member reads it: what waits for an admin is not their turn."""
    return replace(person, turn=_own_turn(person))


def _own_turn(person: Person) -> Turn:
    token, turn = person.token, person.turn
    if token is None and person.membership and person.membership.state != "member":
        return Turn("All set", "You need no seat for what you do here.")
    if token is None:
        since = person.membership.since if person.membership else None
        return Turn("Their turn", "You have joined. An admin gives you a seat next.", since)
    if token.state == "inactive":
        return Turn(
            "Your turn", "You have a seat. Activate its token.", token.since, "Activate Token"
        )
    if token.first_download_at:
        return replace(turn, button="Token Access")
    if turn.whose == "Usher's turn":
        return replace(turn, sentence="The letter with your token is on its way.")
    sentence = "Your token was mailed to you. Use it for a first download."
    if turn.bad:
        sentence = "The letter with your token did not arrive. Reissue the token to get another."
    return Turn("Your turn", sentence, token.since, "Token Access", turn.bad)


def _members(organization: Organization) -> list[Person]:
    active = select(Membership).filter_by(organization=organization, active=True)
    known = active.options(joinedload(Membership.account)).order_by(Membership.id)
    tokens = select(Token).where(Token.organization_id == organization.id)
    return _of_members(organization, list(db.session.scalars(known)), tokens)


def _of_members(
    organization: Organization, members: list[Membership], theirs: Select[Any]
) -> list[Person]:
    tokens = db.session.scalars(theirs.where(Token.seat_id.is_not(None))).all()
    of_member = {token.membership_id: token for token in tokens}
    letters = _letters_about(tokens)
    free = seats.count(organization).free
    return [_member(member, of_member.get(member.id), letters, free) for member in members]


def _letters_about(tokens: Iterable[Token]) -> dict[int, Letter]:
    """The newest letter that each token has caused."""
    ids = [token.id for token in tokens]
    found: dict[int, Letter] = {}
    for template in ("seat_assigned", "token", "token_reissued"):
        for about_id, letter in outbox.latest(template, ids).items():
            found[about_id] = max(letter, found.get(about_id, letter), key=lambda one: one.id)
    return found


def _member(
    membership: Membership, token: Token | None, letters: dict[int, Letter], free: int
) -> Person:
    if token is None:
        return Person("accepted", 2, _without_seat(membership, free), membership)
    turn = _by_letter(letters.get(token.id), "seat" if token.state == "inactive" else "token")
    if token.state == "inactive":
        theirs = Turn("Their turn", "Has not activated the token.", token.since)
        return Person("seated", 3, turn or theirs, membership, token=token)
    if token.first_download_at:
        return Person(token.state, 5, _settled(token), membership, token=token)
    theirs = Turn("Their turn", "Has the token, no download yet.", token.since)
    return Person(token.state, 4, turn or theirs, membership, token=token)


def _without_seat(membership: Membership, free: int) -> Turn:
    if membership.state != "member":
        role = "An admin" if membership.state == "admin" else "A billing admin"
        return Turn("All set", f"{role} needs no seat.")
    if free:
        sentence = "Has joined and waits for a seat."
        return Turn("Your turn", sentence, membership.since, "Assign Seat")
    return Turn("Your turn", "Waits for a seat; none is free.", membership.since, "Buy Seats")


def _settled(token: Token) -> Turn:
    days = (now() - (token.last_used_at or now())).days
    when = {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
    return Turn("All set", f"Last download {when}")


def _by_letter(letter: Letter | None, which: str) -> Turn | None:
    """Usher's turn while a letter is on its way, yours when it failed, else nobody's."""
    if letter is None or letter.state in ("sent", "moot"):
        return None
    if letter.state in ("bounced", "dead"):
        sentence = f"The {which} letter bounced." if letter.state == "bounced" else (
            f"The {which} letter could not be handed over for three days."
        )  # fmt: skip
        return Turn("Your turn", sentence, letter.since, bad=True)
    return Turn("Usher's turn", f"The {which} letter is on its way.", letter.posted_at)


def _invitations(organization: Organization) -> list[Person]:
    mine = select(Invitation).filter_by(organization=organization, membership_id=None)
    recent = Invitation.since > now() - ENDED_ARE_SHOWN
    shown = mine.where(or_(Invitation.state.in_(["sent", "expired"]), recent))
    found = db.session.scalars(shown.order_by(Invitation.id)).all()
    letters = outbox.latest("invitation", [invitation.id for invitation in found])
    again = {one.email_key for one in found if one.state in ("sent", "expired")}
    return [
        Person(one.state, 0, _invited(one, letters.get(one.id)), invitation=one)
        for one in found
        if one.state in ("sent", "expired") or one.email_key not in again
    ]


def _invited(invitation: Invitation, letter: Letter | None) -> Turn:
    if invitation.state == "sent":
        return _unanswered(invitation, letter)
    if invitation.state == "expired":
        sentence = f"Never answered. Invited by {invitation.invited_by.name}."
        return Turn("Your turn", sentence, invitation.since, "Resend")
    words = {"declined": "Declined the invitation.", "revoked": "The invitation was revoked."}
    return Turn("Ended", words[invitation.state], invitation.since)


def _unanswered(invitation: Invitation, letter: Letter | None) -> Turn:
    if turn := _by_letter(letter, "invitation"):
        button = "Resend" if turn.bad else None
        return Turn(turn.whose, turn.sentence, turn.since, button, turn.bad)
    days = ceil((invitation.expires_at - now()) / timedelta(days=1))
    left = f"{days} days left." if days > 1 else "Ends within a day."
    return Turn("Their turn", f"Not answered yet. {left}", invitation.since, "Resend")


def waiting_for_admins(lines: list[Person]) -> int:
    """How many lines wait for the reader of the members page."""
    return sum(line.turn.whose == "Your turn" for line in lines)


def by_stage(lines: list[Person]) -> list[tuple[str, int, Any]]:
    """How many people stand at each step and since when the longest waits there."""
    words = ("Invited", "Accepted", "Seated", "Activated", "Downloading")
    stages = []
    for number, word in enumerate(words):
        here = [line for line in lines if line.turn.whose != "Ended" and _stage(line) == number]
        waits = [line.turn.since for line in here if line.turn.since]
        stages.append((word, len(here), min(waits, default=None)))
    return stages


def _stage(line: Person) -> int:
    return max(0, line.done - 1)
