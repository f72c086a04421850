"""Directories: the people of an organization found, filtered, counted and turned over page by page.

What would surprise a reader: what a page costs does not depend on how many people there are. Each
order has its index, a page begins where the one before ended, and numbers come from tallies.
Only a search for part of a name reads every line of the organization, until a page is full.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_

from workflows import journeys, seats
from workflows.drawings import ENDED, RANKS, Subject
from workflows.engine import tallies
from workflows.engine.db import Moment, db
from workflows.journeys import TURNS, Person
from workflows.lines import Line
from workflows.memberships import Membership
from workflows.organizations import Organization

PAGE = 50
LONGEST_KEY = 300  # characters
ORDERS = {
    "turn": (Line.turn, Line.since, Line.id),
    "name": (Line.name_key, Line.id),
    "role": (Line.rank, Line.name_key, Line.id),
}
# Where somebody stands, in the words of the page; each is one state or several.
PLACES = {
    "invited": ("sent",),
    "expired": ("expired",),
    "no seat": ("accepted", "waitlisted"),
    "in line": ("waitlisted",),
    "seat": ("seated", "active", "reissued"),
    "inactive": ("seated",),
    "active": ("active", "reissued"),
    "ended": ("declined", "revoked"),
}
STAGES = ("Invited", "Accepted", "Seated", "Activated", "Downloading")


@dataclass(frozen=True)
class Search:
    """Whom somebody looks for. An empty field asks for everybody."""

    words: str = ""  # part of a name or an address
    turn: str = ""  # one of journeys.TURNS
    role: str = ""  # one of memberships.ROLES
    place: str = ""  # one of PLACES
    stage: str = ""  # one of STAGES
    failed: bool = False  # a letter to them did not arrive
    order: str = "turn"  # one of ORDERS

    @property
    def narrow(self) -> bool:
        """Whether anything but the turn is asked for, so that no tally knows how many there are."""
        return bool(self.words or self.role or self.place or self.stage or self.failed)


@dataclass(frozen=True)
class Page:
    """Some of the people who were looked for, and where the next page begins."""

    people: list[Person]
    after: str | None


def look_up(organization: Organization, search: Search, after: str = "", size: int = PAGE) -> Page:
    """A page of the people who are looked for, in the order asked for."""
    order = _order(search)
    lines = _listed(organization, search)
    if place := _read(after, order):
        lines = lines.where(tuple_(*order) > tuple_(*place))
    found = db.session.scalars(lines.order_by(*order).limit(size + 1)).all()
    shown = found[:size]
    more = _write(shown[-1], order) if len(found) > size else None
    return Page(_people(organization, shown), more)


def _order(search: Search) -> Sequence[Any]:
    """The columns in whose order people come; one that is the same for all would hide the index."""
    order = ORDERS[search.order]
    return order[1:] if search.turn and search.order == "turn" else order


def ids(organization: Organization, search: Search) -> list[Subject]:
    """Everybody on these pages, in order: of each the id of the membership, or the invitation."""
    lines = _listed(organization, search).order_by(*_order(search))
    which = lines.with_only_columns(Line.membership_id, Line.invitation_id)
    return [(member, invitation) for member, invitation in db.session.execute(which)]


def by_turn(organization: Organization, search: Search) -> dict[str, int]:
    """How many of those who are looked for wait for whom, whatever turn the search names."""
    if not search.narrow:
        numbers = Counter[str]()
        for turn, _, number in _told(organization):
            numbers[TURNS[turn]] += number
        return {turn: numbers[turn] for turn in TURNS}
    lines = _found(organization, replace(search, turn="")).group_by(Line.turn)
    found = db.session.execute(lines.with_only_columns(Line.turn, func.count())).all()
    numbers = Counter({TURNS[turn]: number for turn, number in found})
    return {turn: numbers[turn] for turn in TURNS}


def waiting(organization: Organization) -> int:
    """How many people wait for an admin."""
    return by_turn(organization, Search())["Your turn"]


def expected(organization: Organization) -> int:
    """How many people are here or may come: all but those whose way has ended."""
    return sum(number for turn, _, number in _told(organization) if turn != ENDED)


def idle(organization: Organization) -> int:
    """How many of the seats in use belong to somebody who has not downloaded anything yet."""
    return sum(number for _, done, number in _told(organization) if done in (3, 4))


def by_stage(organization: Organization) -> list[tuple[str, int, datetime | None]]:
    """How many people stand at each step, and since when the longest is there."""
    numbers = Counter[int]()
    for turn, done, number in _told(organization):
        if turn != ENDED:
            numbers[max(0, done - 1)] += number
    return [
        (word, numbers[stage], _longest(organization, word) if numbers[stage] else None)
        for stage, word in enumerate(STAGES)
    ]


def _longest(organization: Organization, stage: str) -> datetime | None:
    mine = select(Line.since).where(Line.organization_id == organization.id)
    there = mine.where(Line.done.in_(_steps_at(stage)), Line.turn != ENDED)
    return db.session.scalar(there.order_by(Line.since).limit(1))


def _steps_at(stage: str) -> tuple[int, ...]:
    """How many steps are behind whoever stands at this stage."""
    place = STAGES.index(stage)
    return (place + 1,) if place else (0, 1)


def members(organization: Organization, after: str = "") -> tuple[list[Membership], str | None]:
    """A page of the members alone: the owner and the admins first, then by name."""
    page = look_up(organization, Search(order="role"), after)
    return [one.membership for one in page.people if one.membership], page.after


def number_of_members(organization: Organization) -> int:
    """How many people belong here."""
    return sum(number for _, done, number in _told(organization) if done >= 2)


def _told(organization: Organization) -> Iterator[tuple[int, int, int]]:
    """How many lines there are with each turn and so many steps behind them."""
    for what, number in tallies.of(organization.id).items():
        kind, *places = what.split()
        if kind == "line":
            turn, done = map(int, places)
            yield turn, done, number


def _found(organization: Organization, search: Search) -> Any:
    lines = select(Line).where(Line.organization_id == organization.id)
    if search.turn:
        lines = lines.where(Line.turn == TURNS.index(search.turn))
    if search.role:
        lines = lines.where(Line.rank.in_(_ranks(search.role)))
    if search.place:
        lines = lines.where(Line.state.in_(PLACES[search.place]))
    if search.stage:
        lines = lines.where(Line.done.in_(_steps_at(search.stage)), Line.turn != ENDED)
    if search.failed:
        lines = lines.where(Line.failed)
    for word in search.words.casefold().split():
        lines = lines.where(_is_in(word, Line.name_key, Line.email_key))
    return lines


def _listed(organization: Organization, search: Search) -> Any:
    """Those who are found, as far as they have a place in the order asked for."""
    lines = _found(organization, search)
    return lines.where(Line.rank.is_not(None)) if search.order == "role" else lines


def _ranks(role: str) -> tuple[int, ...]:
    return (0, RANKS[role]) if role == "admin" else (RANKS[role],)


def _is_in(word: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.contains(word, autoescape=True) for column in columns))


def _people(organization: Organization, lines: Sequence[Line]) -> list[Person]:
    """What `journeys` says of these now, in the order of the lines."""
    free = seats.count(organization).free
    member_ids = [line.membership_id for line in lines if line.membership_id]
    asked_ids = [line.invitation_id for line in lines if line.invitation_id]
    found = {one.membership.id: one for one in journeys.of_members(member_ids, free)
             if one.membership}  # fmt: skip
    asked = {one.invitation.id: one for one in journeys.of_invitations(asked_ids)
             if one.invitation}  # fmt: skip
    people = (found.get(line.membership_id or 0) or asked.get(line.invitation_id or 0)
              for line in lines)  # fmt: skip
    return [person for person in people if person]


def _write(line: Line, order: Sequence[Any]) -> str:
    """Where a page ended, as the end of an address."""
    values = [getattr(line, column.key) for column in order]
    told = [str(value) if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _read(after: str, order: Sequence[Any]) -> list[Any] | None:
    """The place that an address names; None, and so the first page, when it names none."""
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return [_as(column, value) for column, value in zip(order, told, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _as(column: Any, value: Any) -> Any:
    """Raises what `_read` knows of when this is no value of the column."""
    if column is Line.since:
        return literal(datetime.fromisoformat(value).astimezone(UTC), Moment)
    if column is Line.name_key:
        return literal(_text(value))
    if type(value) is not int or abs(value) >= 2**31:
        raise ValueError("not a number of a row")
    return literal(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > LONGEST_KEY:
        raise ValueError("not a name")
    value.encode()  # half a character is none
    return value
