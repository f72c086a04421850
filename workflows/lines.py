"""Lines: an index of everybody in an organization, one row a person, kept as they move.

What would surprise a reader: nothing is decided here. A line is what `journeys` says of a person,
written down so that one of a hundred thousand is found by an index, and counted without counting.
Whenever a command has moved a row of a person, their line is drawn anew before it commits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import ne
from typing import Any, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    delete,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workflows import drawings, journeys
from workflows.drawings import ENDED, SHARED, Drawing, Subject
from workflows.engine import history, moments, sets, tallies
from workflows.engine.db import Base, at_the_end, command, db, index_of_few, now
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.places import Place
from workflows.tokens import Token

TOGETHER = 200  # people that the clock looks at in one go
OVER = f"turn = {ENDED}"


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
        index_of_few("ended_lines", "since", which=OVER),
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
    holders = select(Token.membership_id).where(sets.among(Token.id, moved["tokens"]))
    waiting = select(Place.membership_id).where(sets.among(Place.id, moved["places"]))
    members = set(moved["memberships"])
    if moved["tokens"]:
        members.update(db.session.scalars(holders))
    if moved["places"]:
        members.update(db.session.scalars(waiting))
    if moved["accounts"]:
        theirs = select(Membership.id).where(Membership.account_id.in_(moved["accounts"]))
        members.update(db.session.scalars(theirs))
    redraw(members, moved["invitations"])


def redraw(
    memberships: Collection[int], invitations: Collection[int], one_by_one: bool = False
) -> int:
    """Make the lines of these say what `journeys` says; answers how many were otherwise.

    Lines are held before the rows are read again, so that of two commands that move one person
    the later one draws what both have done. People who are alike are drawn together.
    """
    held, right = _both(memberships, invitations, one_by_one)
    if beside := _beside(held, right) - set(invitations):
        more_held, more_right = _both((), beside, one_by_one=True)
        held, right = held | more_held, right | more_right
    gone = [held[subject] for subject in held.keys() - right.keys()]
    fresh = {subject: one for subject, one in right.items() if subject not in held}
    changed = [
        (line, right[subject])
        for subject, line in held.items()
        if subject in right and line.drawing != right[subject]
    ]
    _write(gone, changed, fresh)
    return len(gone) + len(changed) + len(fresh)


class Held(NamedTuple):
    """A line that nobody else can change."""

    id: int
    drawing: Drawing


def _hold(which: Any) -> dict[Subject, Held]:
    columns = [getattr(Line, name) for name in Drawing._fields[:-1]]
    when = moments.as_written(Line.since)
    lines: Any = select(Line.id, Line.membership_id, Line.invitation_id, *columns, when)
    found = sets.read(lines.where(which).order_by(Line.id).with_for_update())
    since = moments.understood(row[-1] for row in found)
    return {row[1:3]: Held(row[0], Drawing._make((*row[3:-1], since[row[-1]]))) for row in found}


def _both(
    memberships: Collection[int], invitations: Collection[int], one_by_one: bool
) -> tuple[dict[Subject, Held], dict[Subject, Drawing]]:
    """The lines of these, held, and what they have to say."""
    held = _hold(sets.among(Line.membership_id, memberships)) if memberships else {}
    if invitations:
        held |= _hold(sets.among(Line.invitation_id, invitations))
    return held, drawings.of(memberships, invitations, one_by_one)


def _beside(held: Mapping[Subject, Held], right: Mapping[Subject, Drawing]) -> set[int]:
    """Ended invitations to addresses that are new in a list, or are in it no more."""
    before = ((who, one.drawing) for who, one in held.items())
    old, new = (
        {(who, one.organization_id, one.email_key) for who, one in lines}
        for lines in (before, right.items())
    )
    return journeys.ended_to({(place, key) for _, place, key in old ^ new})


def _write(
    gone: Sequence[Held],
    changed: Sequence[tuple[Held, Drawing]],
    fresh: Mapping[Subject, Drawing],
) -> None:
    for organization_id, numbers in _moves(gone, changed, fresh.values()).items():
        tallies.add(organization_id, numbers)
    if gone:
        db.session.execute(delete(Line).where(sets.among(Line.id, [line.id for line in gone])))
    for ids, values in _changes(changed):
        sets.change(Line, ids, each=values)
    for shared, ones in _alike(fresh.items()):
        subjects = {"membership_id": [one[0] for one, _ in ones],
                    "invitation_id": [one[1] for one, _ in ones]}  # fmt: skip
        sets.add(Line, subjects | _own(right for _, right in ones), **shared)


def _changes(
    changed: Sequence[tuple[Held, Drawing]],
) -> Iterator[tuple[list[int], dict[str, list[Any]]]]:
    """Of those of which the same columns change, to the same as far as they share them, the values.

    A column that stays is not written: it may be in an index, or point at a row to be looked for.
    """
    groups: defaultdict[Any, list[tuple[int, Drawing]]] = defaultdict(list)
    for line, right in changed:
        differs = tuple(map(ne, line.drawing, right))
        groups[differs, right[: len(SHARED)]].append((line.id, right))
    for (differs, _), some in groups.items():
        columns = [(name, at) for at, name in enumerate(Drawing._fields) if differs[at]]
        yield [one for one, _ in some], {name: [to[at] for _, to in some] for name, at in columns}


def _alike(lines: Iterable[tuple[Any, Drawing]]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """These lines in groups that have everything in common but who it is, and since when."""
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for whom, right in lines:
        groups[right[: len(SHARED)]].append((whom, right))
    return ((dict(zip(SHARED, same, strict=True)), some) for same, some in groups.items())


def _own(lines: Iterable[Drawing]) -> dict[str, Any]:
    own = zip(*(line[len(SHARED) :] for line in lines), strict=True)
    return dict(zip(Drawing._fields[len(SHARED) :], own, strict=True))


def _moves(
    gone: Iterable[Held], changed: Iterable[tuple[Held, Drawing]], fresh: Iterable[Drawing]
) -> dict[int, Counter[str]]:
    """How many more lines, or fewer, each organization has of each kind."""
    before = [*(line.drawing for line in gone), *(line.drawing for line, _ in changed)]
    after = [*(right for _, right in changed), *fresh]
    moves: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for some, number in ((before, -1), (after, 1)):
        kinds = Counter((one.organization_id, one.turn, one.done) for one in some)
        for (organization_id, turn, done), many in kinds.items():
            moves[organization_id][tally_of(turn, done)] += number * many
    return moves


def tally_of(turn: int, done: int) -> str:
    """What lines with this turn and so many steps behind them are called as a tally."""
    return f"line {turn} {done}"


def forget(organization: Organization) -> None:
    """Take away all lines of an organization that was closed: nobody can look at them."""
    db.session.execute(delete(Line).where(Line.organization_id == organization.id))


@command
def forget_ended() -> None:
    """Take away the lines of invitations that ended long ago; the invitations stay."""
    old = select(Line).where(text(OVER), Line.since < now() - journeys.ENDED_ARE_SHOWN)
    oldest = old.order_by(Line.since).limit(TOGETHER).with_for_update(skip_locked=True)
    ids = [line.id for line in db.session.scalars(oldest)]
    _write(list(_hold(sets.among(Line.id, ids)).values()), [], {})
