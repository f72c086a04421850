"""Takeouts: what Usher knows of one person, for that person to take along. Read only.

What would surprise a reader: rows are read in portions, each for itself, so that nothing is held
however much it is and however slowly it is read. `docs/export.md` says what is in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload

from workflows.accounts import Account, SignUp
from workflows.address_changes import AddressChange
from workflows.engine.db import db
from workflows.engine.history import Action, Step
from workflows.invitations import Invitation
from workflows.memberships import Membership, role
from workflows.organizations import Organization
from workflows.sessions import Session
from workflows.tokens import Generation, Token

PORTION = 500
FORMAT = "usher-person-1"
Entry = dict[str, Any]


@dataclass(frozen=True)
class Chapter:
    """One list in a takeout: the person's rows of a table, and what is told of each."""

    kind: Any
    rows: Callable[[Account], Select[Any]]
    entry: Callable[[Any], Entry]


def facts(account: Account) -> Entry:
    """What stands in the account itself; of the password only that there is one."""
    return {
        "id": account.id, "name": account.name, "email": account.email, "state": account.state,
        "since": _moment(account.since), "operator": account.operator,
    }  # fmt: skip


def portion(name: str, account: Account, after: int) -> tuple[list[Entry], int | None]:
    """The entries of one of LISTS after this id, so many, and where to go on; None at the end."""
    one = LISTS[name]
    next_rows = one.rows(account).where(one.kind.id > after).order_by(one.kind.id).limit(PORTION)
    rows = db.session.scalars(next_rows).all()
    return [one.entry(row) for row in rows], rows[-1].id if len(rows) == PORTION else None


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _own(kind: Any, what: Any, account: Account) -> Select[Any]:
    """The person's rows of this table, or their ids."""
    rows: Select[Any] = select(what)
    if kind is Account:
        return rows.where(Account.id == account.id)
    if kind is SignUp:
        return rows.where(SignUp.email_key == account.email_key)
    if kind is Invitation:  # those to the present address, and those that were accepted
        taken = Invitation.membership_id.in_(_own(Membership, Membership.id, account))
        return rows.where(or_(Invitation.email_key == account.email_key, taken))
    if kind is Token:
        return rows.where(Token.membership_id.in_(_own(Membership, Membership.id, account)))
    return rows.where(kind.account_id == account.id)


def _membership(one: Membership) -> Entry:
    return {
        "id": one.id, "organization": one.organization.slug, "name": one.organization.name,
        "role": role(one).lower(), "state": one.state, "since": _moment(one.since),
    }  # fmt: skip


def _invitation(one: Invitation) -> Entry:
    return {
        "id": one.id, "organization": one.organization.slug, "email": one.email,
        "invited_by": one.invited_by.name, "state": one.state, "since": _moment(one.since),
        "expires_at": _moment(one.expires_at),
    }  # fmt: skip


def _token(one: Token) -> Entry:
    return {
        "id": one.id, "organization": one.membership.organization.slug, "state": one.state,
        "since": _moment(one.since), "generation": one.generation,
        "first_download_at": _moment(one.first_download_at),
        "last_used_at": _moment(one.last_used_at),
        "generations": [_generation(generation) for generation in one.generations],
    }  # fmt: skip


def _generation(one: Generation) -> Entry:
    return {
        "number": one.number, "made_at": _moment(one.minted_at), "ends_at": _moment(one.ends_at),
        "reason": one.reason, "last_used_at": _moment(one.last_used_at),
        "last_used_from": one.last_used_from,
    }  # fmt: skip


def _session(one: Session) -> Entry:
    return {
        "browser": one.browser, "network": one.network, "begun_at": _moment(one.begun_at),
        "seen_at": _moment(one.seen_at),
    }  # fmt: skip


def _change(one: AddressChange) -> Entry:
    return {
        "id": one.id, "state": one.state, "since": _moment(one.since),
        "from": one.old_email or None, "to": one.email or None,
    }  # fmt: skip


def _action(one: Action) -> Entry:
    place = db.session.get(Organization, one.organization_id or 0)
    return {
        "id": one.id, "event": one.event, "organization": place.slug if place else None,
        "why": one.why, "at": _moment(one.at), "operator": one.operator,
    }  # fmt: skip


def _steps(account: Account) -> Select[Any]:
    """What happened to the person's own rows, whoever did it.

    Which rows are theirs is asked first: of a query within this one, PostgreSQL does not know how
    few they are, and reads all of history instead.
    """
    kinds = (SignUp, Account, AddressChange, Membership, Invitation, Token)
    own = {kind: db.session.scalars(_own(kind, kind.id, account)).all() for kind in kinds}
    theirs = (
        and_(Step.kind == kind.__tablename__, Step.row_id.in_(ids)) for kind, ids in own.items()
    )
    return select(Step).where(or_(*theirs)).options(joinedload(Step.action))


def _step(one: Step) -> Entry:
    return {
        "action": one.action_id, "at": _moment(one.action.at), "kind": one.kind,
        "row": one.row_id, "event": one.event, "from": one.source, "to": one.target,
    }  # fmt: skip


def _of(kind: Any, entry: Callable[[Any], Entry]) -> Chapter:
    return Chapter(kind, lambda account: _own(kind, kind, account), entry)


LISTS = {
    "memberships": _of(Membership, _membership),
    "invitations": _of(Invitation, _invitation),
    "tokens": _of(Token, _token),
    "sessions": _of(Session, _session),
    "address_changes": _of(AddressChange, _change),
    "actions": Chapter(Action, lambda account: select(Action).filter_by(by_id=account.id), _action),
    "steps": Chapter(Step, _steps, _step),
}
