"""Lookups: from what somebody has in their hand to the workflow it is about. Read only.

What would surprise a reader: an address, or the beginning of one, is answered by an index. For a
part from its middle, or of a name, the newest rows are looked at, so many for a page, and the next
page goes on from there: no search reads a table whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from workflows import chronicles, correspondence, journeys
from workflows.accounts import Account, SignUp
from workflows.chronicles import Entry
from workflows.correspondence import Posted
from workflows.engine import identity, windows
from workflows.engine.db import db
from workflows.engine.history import Step
from workflows.engine.letters import Letter
from workflows.engine.windows import Window
from workflows.invitations import Invitation
from workflows.journeys import Person
from workflows.memberships import Membership
from workflows.organizations import Organization

FEW = 20  # rows of a kind on the first page
LONGEST = 200
MESSAGE_ID = re.compile(r"<?letter-(\d{1,18})(?:\.|$)")
NUMBER = re.compile(r"(?:#|no\. ?|inv-|invitation |letter )?(\d{1,18})", re.IGNORECASE)
OF_A_PAGE = re.compile(r"/(invitations|members|memberships|letters)/(\d{1,18})")
REQUEST = re.compile(r"[0-9a-f]{16}")  # as `web.visits` makes them
KINDS = ("people", "invitations", "sign-ups", "organizations")


@dataclass(frozen=True)
class Named:
    """Somebody with an account, and where they are a member; of each the line, if it goes on."""

    account: Account
    memberships: Sequence[Membership]
    people: dict[int, Person]


@dataclass
class Found:
    """What was found of each kind, and where the search of each goes on."""

    entries: Sequence[Entry] = ()  # what the request with this id did
    moved: Sequence[Step] = ()  # the first of its steps
    caused: Sequence[Posted] = ()  # the newest of its letters
    letters: Sequence[Letter] = ()
    people: Sequence[Named] = ()
    invitations: Sequence[Invitation] = ()
    sign_ups: Sequence[SignUp] = ()
    organizations: Sequence[Organization] = ()
    before: dict[str, int] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        kinds = (self.letters, self.people, self.invitations, self.sign_ups, self.organizations)
        return not any((self.entries, self.caused, *kinds))


def find(words: str, kind: str = "", before: int | None = None) -> Found:
    """Whatever these words may mean: of all kinds, or the next page of one."""
    asked, found = words.strip()[:LONGEST].casefold(), Found()
    if not asked:
        return found
    if not kind:
        _by_number(found, asked)
        _by_request(found, asked)
    for one in [kind] if kind else KINDS:
        FINDERS[one](found, asked, identity.key_of(asked) or "", before)
    return found


def letter_of(words: str) -> Letter | None:
    """The letter with this Message-ID."""
    told = MESSAGE_ID.search(words.strip())
    return db.session.get(Letter, int(told[1])) if told and int(told[1]) < 2**31 else None


def _by_number(found: Found, asked: str) -> None:
    """What an id, a Message-ID or the address of a page names."""
    kind, row_id = "", 0
    if told := MESSAGE_ID.search(asked):
        kind, row_id = "letters", int(told[1])
    elif told := OF_A_PAGE.search(asked):
        kind, row_id = told[1], int(told[2])
    elif told := NUMBER.fullmatch(asked):
        row_id = int(told[1])
    if row_id >= 2**31 or not row_id:
        return
    found.letters = _with_id(Letter, row_id) if kind in ("", "letters") else []
    found.invitations = _with_id(Invitation, row_id) if kind in ("", "invitations") else []
    if kind in ("", "members", "memberships"):
        found.people = _named([one.account_id for one in _with_id(Membership, row_id)])


def _by_request(found: Found, asked: str) -> None:
    if REQUEST.fullmatch(asked):
        found.entries = chronicles.of_request(asked)
        found.moved = chronicles.first_steps(found.entries, FEW)
        found.caused = correspondence.caused_by(asked, FEW)


def _with_id(kind: type[Any], row_id: int) -> list[Any]:
    row = db.session.get(kind, row_id)
    return [row] if row else []


def _people(found: Found, asked: str, key: str, before: int | None) -> None:
    page = _addressed(Account, Account.name, asked, key, before)
    found.people = [*found.people, *_named([account.id for account in page.rows])]
    _note(found, "people", page)


def _named(account_ids: Sequence[int]) -> list[Named]:
    rows = select(Account).where(Account.id.in_(account_ids)).order_by(Account.id.desc())
    mine = select(Membership).where(Membership.account_id.in_(account_ids))
    mine = mine.options(selectinload(Membership.organization)).order_by(Membership.id.desc())
    members = db.session.scalars(mine.limit(10 * windows.PAGE)).all()
    alive = journeys.of_members([one.id for one in members if one.active])
    people = {one.membership.id: one for one in alive if one.membership}
    return [
        Named(account, [one for one in members if one.account_id == account.id], people)
        for account in db.session.scalars(rows)
    ]


def _invitations(found: Found, asked: str, key: str, before: int | None) -> None:
    page = _addressed(Invitation, None, asked, key, before)
    found.invitations = [*found.invitations, *page.rows]
    _note(found, "invitations", page)


def _sign_ups(found: Found, asked: str, key: str, before: int | None) -> None:
    page = _addressed(SignUp, SignUp.name, asked, key, before)
    found.sign_ups = [one for one in page.rows if one.state != "confirmed"]  # else: an account
    _note(found, "sign-ups", page)


def _organizations(found: Found, asked: str, key: str, before: int | None) -> None:
    if key:
        return
    here = or_(Organization.slug.contains(asked, autoescape=True),
               Organization.name.icontains(asked, autoescape=True))  # fmt: skip
    page = windows.look(Organization, [], [here], before)
    exact = db.session.scalars(select(Organization).filter_by(slug=asked)).all()
    first = exact if before is None else []
    found.organizations = [*first, *(one for one in page.rows if one not in exact)]
    _note(found, "organizations", page)


def _note(found: Found, kind: str, page: Window[Any]) -> None:
    if page.before is not None:
        found.before[kind] = page.before


def _addressed(kind: Any, name: Any, asked: str, key: str, before: int | None) -> Window[Any]:
    """The rows with this address; on the first page those that begin so, then those with it."""
    if key:
        return windows.look(kind, [kind.email_key == key], before=before)
    first = _beginning(kind, asked) if before is None else []
    part = kind.email_key.contains(asked, autoescape=True)
    here = or_(part, name.icontains(asked, autoescape=True)) if name is not None else part
    page = windows.look(kind, [], [here], before)
    return Window([*first, *(one for one in page.rows if one not in first)], page.before)


def _beginning(kind: Any, asked: str) -> list[Any]:
    """The first few whose address begins so; they come in no order, so that none is worked out."""
    some = select(kind).where(windows.begins(kind.email_key, asked)).limit(FEW)
    return sorted(db.session.scalars(some), key=lambda row: row.id, reverse=True)


FINDERS = {
    "people": _people,
    "invitations": _invitations,
    "sign-ups": _sign_ups,
    "organizations": _organizations,
}
