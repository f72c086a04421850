"""Lines: an index of everybody in an organization, one row a person, kept as they move.

What would surprise a reader: nothing is decided here. A line is what `journeys` says of a person,
written down so that one of a hundred thousand is found by an index, and counted without counting.
Whenever a command has moved a row of a person, their line is drawn anew before it commits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workflows import journeys
from workflows.engine import history, tallies
from workflows.engine.db import Base, at_the_end, command, db, now
from workflows.invitations import Invitation
from workflows.journeys import ENDED_ARE_SHOWN, TURNS, Person
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.places import Place
from workflows.tokens import Token

ENDED = TURNS.index("Ended")
RANKS = {"admin": 1, "billing_admin": 2, "member": 3}  # the owner is 0
TOGETHER = 200  # people that the clock looks at in one go
Subject = tuple[int | None, int | None]  # the membership's id, or the invitation's


class Line(Base):
    __tablename__ = "lines"
    __table_args__ = (
        CheckConstraint("(membership_id IS NULL) <> (invitation_id IS NULL)", name="one_subject"),
        CheckConstraint("(membership_id IS NULL) = (rank IS NULL)", name="members_have_a_rank"),
        Index("lines_by_turn", "organization_id", "turn", "since", "id"),
        Index("lines_by_name", "organization_id", "name_key", "id"),
        Index("lines_by_rank", "organization_id", "rank", "name_key", "id"),
        Index("lines_by_state", "organization_id", "state", "turn", "since", "id"),
        Index("lines_by_step", "organization_id", "done", "since"),
        Index("lines_by_address", "organization_id", "email_key"),
        Index("ended_lines", "since", postgresql_where=text("turn = 4"),
              sqlite_where=text("turn = 4")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"), unique=True)
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitations.id"), unique=True)
    name_key: Mapped[str]  # the name in small letters, or the address of who has none yet
    email_key: Mapped[str]
    rank: Mapped[int | None]  # one of RANKS, 0 for the owner; None for an invitation
    state: Mapped[str]  # as on the page: of the invitation, or how far seat and token are
    done: Mapped[int]  # how many of journeys.STEPS are behind them
    turn: Mapped[int]  # whose turn it is, as a place in journeys.TURNS
    since: Mapped[datetime]  # when they came to where they stand
    failed: Mapped[bool]  # a letter to them did not arrive

    @property
    def subject(self) -> Subject:
        return self.membership_id, self.invitation_id


@at_the_end
def redraw_moved() -> None:
    """Draw the lines of everybody of whom the running command has moved a row."""
    moved = history.moved_rows()
    if not any(
        moved[kind] for kind in ("memberships", "accounts", "tokens", "places", "invitations")
    ):
        return
    holders = select(Token.membership_id).where(Token.id.in_(moved["tokens"]))
    waiting = select(Place.membership_id).where(Place.id.in_(moved["places"]))
    members = set(moved["memberships"])
    if moved["tokens"]:
        members.update(db.session.scalars(holders))
    if moved["places"]:
        members.update(db.session.scalars(waiting))
    if moved["accounts"]:
        theirs = select(Membership.id).where(Membership.account_id.in_(moved["accounts"]))
        members.update(db.session.scalars(theirs))
    redraw(members, moved["invitations"])


def redraw(memberships: Collection[int], invitations: Collection[int]) -> int:
    """Make the lines of these say what `journeys` says; answers how many were otherwise.

    Lines are held before the rows are read again, so that of two commands that move one person
    the later one draws what both have done.
    """
    ours = or_(Line.membership_id.in_(memberships), Line.invitation_id.in_(invitations))
    held = _hold(ours) if memberships or invitations else {}
    people = [*journeys.of_members(memberships), *journeys.of_invitations(invitations)]
    right = {_subject(person): _columns(person) for person in people}
    fresh = [right[subject] for subject in right if subject not in held]
    outdated = _hold(_superseded(fresh)) if fresh else {}
    gone = [line for subject, line in held.items() if subject not in right]
    changed = [line for subject, line in held.items() if _differs(line, right.get(subject))]
    _write([*gone, *outdated.values()], [(line, right[line.subject]) for line in changed], fresh)
    return len(gone) + len(outdated) + len(changed) + len(fresh)


def _hold(which: Any) -> dict[Subject, Line]:
    lines = select(Line).where(which).order_by(Line.id).with_for_update()
    found = db.session.scalars(lines, execution_options={"populate_existing": True})
    return {line.subject: line for line in found}


def _subject(person: Person) -> Subject:
    if person.membership:
        return person.membership.id, None
    assert person.invitation
    return None, person.invitation.id


def _columns(person: Person) -> dict[str, Any]:
    """A person as a line."""
    member, invitation = person.membership, person.invitation
    known = member or invitation
    assert known
    name = member.account.name if member else invitation.email  # type: ignore[union-attr]
    key = member.account.email_key if member else invitation.email_key  # type: ignore[union-attr]
    rank = (0 if member.is_owner else RANKS[member.state]) if member else None
    return {
        "organization_id": known.organization_id, "membership_id": _subject(person)[0],
        "invitation_id": _subject(person)[1], "name_key": name.casefold(), "email_key": key,
        "rank": rank, "state": person.state, "done": person.done,
        "turn": TURNS.index(person.turn.whose), "since": person.since, "failed": person.turn.bad,
    }  # fmt: skip


def _superseded(fresh: list[dict[str, Any]]) -> Any:
    """Lines of invitations that ended, to addresses that have come back in another way."""
    keys = {line["email_key"] for line in fresh if line["turn"] != ENDED}
    places = {line["organization_id"] for line in fresh}
    ended = Line.organization_id.in_(places) & Line.email_key.in_(keys)
    return ended & (Line.turn == ENDED) & Line.invitation_id.is_not(None)


def _differs(line: Line, right: Mapping[str, Any] | None) -> bool:
    return right is not None and any(getattr(line, name) != right[name] for name in right)


def _write(
    gone: list[Line], changed: list[tuple[Line, Mapping[str, Any]]], fresh: list[dict[str, Any]]
) -> None:
    for organization_id, numbers in _moves(gone, changed, fresh).items():
        tallies.add(organization_id, numbers)
    if gone:
        db.session.execute(delete(Line).where(Line.id.in_([line.id for line in gone])))
    for line, right in changed:
        for name, value in right.items():
            setattr(line, name, value)
    if fresh:
        db.session.execute(insert(Line), fresh)


def _moves(
    gone: list[Line], changed: list[tuple[Line, Mapping[str, Any]]], fresh: list[dict[str, Any]]
) -> dict[int, Counter[str]]:
    """How many more lines, or fewer, each organization has of each kind."""
    moves: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for line in [*gone, *(line for line, _ in changed)]:
        moves[line.organization_id][tally_of(line.turn, line.done)] -= 1
    for right in [*(right for _, right in changed), *fresh]:
        moves[right["organization_id"]][tally_of(right["turn"], right["done"])] += 1
    return moves


def tally_of(turn: Any, done: Any) -> Any:
    """What lines with this turn and so many steps behind them are called as a tally."""
    return f"line {turn} {done}"


@dataclass(frozen=True)
class Checked:
    """How far a check of all lines has come, and how many it had to mend on its last step."""

    members_to: int = 0
    invitations_to: int = 0
    mended: int = 0


@command
def check(before: Checked) -> Checked:
    """Draw the next few people anew, whatever moved or did not; from the beginning at the end."""
    members, theirs = _next(Membership, before.members_to)
    asked, askers = _next(Invitation, before.invitations_to)
    mended = redraw(members, asked)
    mended += _recount(theirs | askers)
    return Checked(max(members, default=0), max(asked, default=0), mended)


def _next(kind: type[Membership] | type[Invitation], after: int) -> tuple[list[int], set[int]]:
    """The next ids of this table, and the organizations that they belong to."""
    rows = select(kind.id, kind.organization_id).where(kind.id > after).order_by(kind.id)
    found = db.session.execute(rows.limit(TOGETHER)).all()
    return [row_id for row_id, _ in found], {organization_id for _, organization_id in found}


def forget(organization: Organization) -> None:
    """Take away all lines of an organization that was closed: nobody can look at them."""
    db.session.execute(delete(Line).where(Line.organization_id == organization.id))


@command
def forget_ended() -> None:
    """Take away the lines of invitations that ended long ago; the invitations stay."""
    old = select(Line).where(text("turn = 4"), Line.since < now() - ENDED_ARE_SHOWN)
    oldest = old.order_by(Line.since).limit(TOGETHER).with_for_update(skip_locked=True)
    _write(list(db.session.scalars(oldest)), [], [])


def _recount(organization_ids: set[int]) -> int:
    """Mend the tallies of these organizations; answers how many were wrong."""
    name = literal("line ") + cast(Line.turn, String) + literal(" ") + cast(Line.done, String)
    mine = select(Line.organization_id, name, func.count())
    mine = mine.where(Line.organization_id.in_(organization_ids))
    counted = mine.group_by(Line.organization_id, Line.turn, Line.done)
    return tallies.mend([counted], "line%", organization_ids)
