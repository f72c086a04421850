"""Journeys: the person's line from invited to first download, and whose turn it is. Read only.

Nothing here is stored. State, turn and sentence are worked out from the rows of the other
workflows, once for every page, so that the members page, the home page and the person's own page
can never tell three stories.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased, selectinload

from workflows import moves, places, seats
from workflows.accounts import Account
from workflows.engine import outbox, sets
from workflows.engine.db import db, now
from workflows.engine.letters import Letter
from workflows.invitations import OPEN, Invitation
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.places import Standing
from workflows.tokens import Token

STEPS = ("Invited", "Accepted", "Seated", "Activated", "First download")
TURNS = ("Your turn", "Their turn", "Usher's turn", "All set", "Ended")
ENDED_ARE_SHOWN = timedelta(days=90)
LONGEST_REPLY = 120  # characters of a mail server's answer
AS_IT_IS = {"populate_existing": True}  # whatever this session has read before


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
    move: Move | None = None  # to another address, asked for and not answered yet
    standing: Standing | None = None  # where they wait for a seat, if they do

    @property
    def since(self) -> datetime:
        """When they came to where they stand."""
        row = self.token or self.membership or self.invitation
        assert row
        return self.turn.since or row.since

    @property
    def marks(self) -> list[tuple[str, str]]:
        """Each step with `done`, `now`, `yours`, `bad`, `over` or the empty mark `to come`."""
        now_mark = {"Your turn": "yours", "Ended": "over", "All set": ""}.get(
            self.turn.whose, "now"
        )
        here = "bad" if self.turn.bad else now_mark
        marks = ["done"] * self.done + [here] + [""] * len(STEPS)
        return list(zip(STEPS, marks, strict=False))


def of_members(ids: Collection[int], free: int | None = None) -> list[Person]:
    """The lines of these memberships, as far as they are active; a closed organization has none.

    `free` is how many seats are, for the sentence about those who wait for one.
    """
    active = select(Membership).where(Membership.id.in_(ids), Membership.active)
    known = active.options(selectinload(Membership.account), selectinload(Membership.organization))
    found = db.session.scalars(known.order_by(Membership.id), execution_options=AS_IT_IS)
    members = [member for member in found if member.organization.state != "closed"]
    mine = Token.membership_id.in_([member.id for member in members])
    living = select(Token).where(mine, Token.seat_id.is_not(None))
    tokens = db.session.scalars(living, execution_options=AS_IT_IS).all()
    of_member = {token.membership_id: token for token in tokens}
    letters = outbox.newest(("seat_assigned", "token", "token_reissued"), [t.id for t in tokens])
    waiting = places.standings([member.id for member in members if member.id not in of_member])
    return [
        _waits(member, waiting.get(member.id), free)
        if (token := of_member.get(member.id)) is None
        else _seated(member, token, letters)
        for member in members
    ]


def of_member(membership: Membership) -> Person:
    """The line of one member."""
    [mine] = of_members([membership.id], seats.count(membership.organization).free)
    return mine


def of_invitations(ids: Collection[int]) -> list[Person]:
    """The lines of these invitations, as far as no member came of them and they are of interest.

    One that ended is not, after 90 days or when the person has come back in another way; nor is
    one that became another.
    """
    mine = select(Invitation).where(Invitation.id.in_(ids), Invitation.membership_id.is_(None))
    mine = mine.where(Invitation.became.is_(None))
    ended = Invitation.state.not_in(OPEN)
    shown = mine.where(~ended | (Invitation.since > now() - ENDED_ARE_SHOWN) & ~_came_back())
    known = shown.options(
        selectinload(Invitation.invited_by), selectinload(Invitation.organization)
    )
    asked = db.session.scalars(known.order_by(Invitation.id), execution_options=AS_IT_IS)
    found = [one for one in asked if one.organization.state != "closed"]
    theirs = [invitation.id for invitation in found]
    letters, moving = outbox.newest(("invitation",), theirs), moves.of(theirs)
    return [_asked(one, letters.get(one.id), moving.get(one.id)) for one in found]


def _asked(invitation: Invitation, letter: Letter | None, move: Move | None) -> Person:
    if move is None or invitation.state not in OPEN:
        return Person(invitation.state, 0, _invited(invitation, letter), invitation=invitation)
    who = f"{move.account.name} ({move.account.email})"
    turn = Turn(
        "Your turn", f"{who} asks to have it at that address.", move.since, "Answer Request"
    )
    return Person(invitation.state, 0, turn, invitation=invitation, move=move)


def _came_back() -> Any:
    """Whether the address of an invitation has a newer one, or is that of a member."""
    later = aliased(Invitation)
    again = exists().where(
        later.organization_id == Invitation.organization_id,
        later.email_key == Invitation.email_key, later.id > Invitation.id,
    )  # fmt: skip
    account = Account.id == Membership.account_id
    member = exists().where(
        account, Membership.organization_id == Invitation.organization_id,
        Membership.active, Account.email_key == Invitation.email_key,
    )  # fmt: skip
    return again | member


def ended_to(addresses: Collection[tuple[int, str]]) -> set[int]:
    """The invitations that ended to these addresses of organizations, and came to nothing.

    Whoever comes to such an address, or goes, decides whether they are of interest.
    """
    where, keys = {place for place, _ in addresses}, [key for _, key in addresses]
    there = Invitation.organization_id.in_(where) & sets.matches(Invitation.email_key, keys)
    over = Invitation.state.not_in(OPEN) & Invitation.membership_id.is_(None)
    return set(db.session.scalars(select(Invitation.id).where(there, over))) if keys else set()


def _seated(membership: Membership, token: Token, letters: dict[int, Letter]) -> Person:
    turn = _by_letter(letters.get(token.id), "seat" if token.state == "inactive" else "token")
    if token.state == "inactive":
        theirs = Turn("Their turn", "Has not activated the token.", token.since)
        return Person("seated", 3, turn or theirs, membership, token=token)
    if token.first_download_at:
        return Person(token.state, 5, _settled(token), membership, token=token)
    theirs = Turn("Their turn", "Has the token, no download yet.", token.since)
    return Person(token.state, 4, turn or theirs, membership, token=token)


def _waits(membership: Membership, standing: Standing | None, free: int | None) -> Person:
    if standing is None:
        return Person("accepted", 2, _without_seat(membership, free), membership)
    since = standing.place.since
    if not standing.in_line:
        button = "Put in Line" if free == 0 else "Assign Seat"
        turn = Turn("Your turn", "Asks for a seat.", since, button)
        return Person("accepted", 2, turn, membership, standing=standing)
    sentence = f"{standing.words}: gets a seat as soon as one frees."
    turn = Turn("Usher's turn", sentence, since, "Buy Seats")
    return Person("waitlisted", 2, turn, membership, standing=standing)


def _without_seat(membership: Membership, free: int | None) -> Turn:
    if membership.state != "member":
        role = "An admin" if membership.state == "admin" else "A billing admin"
        return Turn("All set", f"{role} needs no seat.")
    if free != 0:
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
    way = "is on its way" if letter.pause_id is None else "waits: no letters go to that domain now"
    return Turn("Usher's turn", f"The {which} letter {way}.", letter.posted_at)


def _invited(invitation: Invitation, letter: Letter | None) -> Turn:
    if invitation.state == "sent":
        return _unanswered(invitation, letter)
    if invitation.state == "expired" and invitation.asked_at:
        return Turn("Your turn", "Asked for a new link.", invitation.asked_at, "Resend")
    if invitation.state == "expired":
        sentence = f"Never answered. Invited by {invitation.invited_by.name}."
        return Turn("Your turn", sentence, invitation.since, "Resend")
    said = f" “{invitation.word}”" if invitation.word else ""
    words = {"declined": f"Declined the invitation.{said}"}
    words["revoked"] = "The invitation was revoked."
    return Turn("Ended", words[invitation.state], invitation.since)


def _unanswered(invitation: Invitation, letter: Letter | None) -> Turn:
    if turn := _by_letter(letter, "invitation"):
        if not turn.bad or letter is None:
            return turn
        button = "Correct Address" if letter.state == "bounced" else "Resend"
        return replace(turn, sentence=_with_reply(turn.sentence, letter), button=button)
    days = ceil((invitation.expires_at - now()) / timedelta(days=1))
    left = f"{days} days left." if days > 1 else "Ends within a day."
    return Turn("Their turn", f"Not answered yet. {left}", invitation.since, "Resend")


def _with_reply(sentence: str, letter: Letter) -> str:
    """The sentence, and what the mail server said to it."""
    reply = letter.reply or ""
    short = reply if len(reply) <= LONGEST_REPLY else f"{reply[:LONGEST_REPLY]}…"
    return f"{sentence} It said: {short}" if reply else sentence
