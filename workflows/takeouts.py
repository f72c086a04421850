"""Takeouts: what Usher knows of one person, for that person to take along. Read only.

What would surprise a reader: rows are read in portions, so that that of somebody who invited a
hundred thousand people needs no more memory than any other. `docs/export.md` says what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select

from workflows import sessions
from workflows.accounts import Account, SignUp
from workflows.address_changes import AddressChange
from workflows.engine.db import db
from workflows.engine.history import Action, Step
from workflows.invitations import Invitation
from workflows.memberships import Membership, role
from workflows.organizations import Organization
from workflows.tokens import Token

PORTION = 500
FORMAT = "usher-person-1"
Entries = Iterator[dict[str, Any]]


def of(account: Account) -> Iterator[tuple[str, Entries]]:
    """Each list of the export, by its name, in the order of `docs/export.md`."""
    for name, read in LISTS.items():
        yield name, read(account)


def facts(account: Account) -> dict[str, Any]:
    """What stands in the account itself; of the password only that there is one."""
    return {
        "id": account.id, "name": account.name, "email": account.email, "state": account.state,
        "since": _moment(account.since), "operator": account.operator,
    }  # fmt: skip


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _in_portions(rows: Select[Any], kind: Any) -> Iterator[Any]:
    """Rows of this table in the order of their ids, so many at a time."""
    after = 0
    while portion := db.session.scalars(
        rows.where(kind.id > after).order_by(kind.id).limit(PORTION)
    ).all():
        after = portion[-1].id
        yield from portion


def _memberships(account: Account) -> Entries:
    for one in _in_portions(select(Membership).filter_by(account_id=account.id), Membership):
        yield {
            "id": one.id, "organization": one.organization.slug, "name": one.organization.name,
            "role": role(one).lower(), "state": one.state, "since": _moment(one.since),
        }  # fmt: skip


def _invitations(account: Account) -> Entries:
    for one in _in_portions(select(Invitation).where(_asked(account)), Invitation):
        yield {
            "id": one.id, "organization": one.organization.slug, "email": one.email,
            "invited_by": one.invited_by.name, "state": one.state, "since": _moment(one.since),
            "expires_at": _moment(one.expires_at),
        }  # fmt: skip


def _asked(account: Account) -> Any:
    """The invitations to the person's address, and those that were accepted."""
    taken = Invitation.membership_id.in_(_own(Membership, account))
    return or_(Invitation.email_key == account.email_key, taken)


def _own(kind: Any, account: Account) -> Any:
    """The ids of the person's rows in this table."""
    ids: Any = select(kind.id)
    if kind is Account:
        return ids.filter_by(id=account.id)
    if kind is Invitation:
        return ids.where(_asked(account))
    if kind is Token:
        return ids.where(Token.membership_id.in_(_own(Membership, account)))
    if kind is SignUp:
        return ids.filter_by(email_key=account.email_key)
    return ids.filter_by(account_id=account.id)


def _tokens(account: Account) -> Entries:
    theirs = select(Token).where(Token.id.in_(_own(Token, account)))
    for one in _in_portions(theirs, Token):
        yield {
            "id": one.id, "organization": one.membership.organization.slug, "state": one.state,
            "since": _moment(one.since), "generation": one.generation,
            "first_download_at": _moment(one.first_download_at),
            "last_used_at": _moment(one.last_used_at),
            "generations": [_generation(generation) for generation in one.generations],
        }  # fmt: skip


def _generation(one: Any) -> dict[str, Any]:
    return {
        "number": one.number, "made_at": _moment(one.minted_at), "ends_at": _moment(one.ends_at),
        "reason": one.reason, "last_used_at": _moment(one.last_used_at),
        "last_used_from": one.last_used_from,
    }  # fmt: skip


def _sessions(account: Account) -> Entries:
    for one in sessions.of_account(account):
        yield {
            "browser": one.browser, "network": one.network, "begun_at": _moment(one.begun_at),
            "seen_at": _moment(one.seen_at),
        }  # fmt: skip


def _changes(account: Account) -> Entries:
    theirs = select(AddressChange).filter_by(account_id=account.id)
    for one in _in_portions(theirs, AddressChange):
        yield {
            "id": one.id, "state": one.state, "since": _moment(one.since),
            "from": one.old_email or None, "to": one.email or None,
        }  # fmt: skip


def _actions(account: Account) -> Entries:
    """What the person did, wherever it was."""
    done = select(Action, Organization.slug).outerjoin(
        Organization, Organization.id == Action.organization_id
    )
    done, after = done.where(Action.by_id == account.id), 0
    while portion := db.session.execute(
        done.where(Action.id > after).order_by(Action.id).limit(PORTION)
    ).all():
        after = portion[-1][0].id
        for one, slug in portion:
            yield {
                "id": one.id, "event": one.event, "organization": slug, "why": one.why,
                "at": _moment(one.at), "operator": one.operator,
            }  # fmt: skip


def _steps(account: Account) -> Entries:
    """What happened to the person's own rows, whoever did it."""
    kinds = (SignUp, Account, AddressChange, Membership, Invitation, Token)
    of_kinds = [
        and_(Step.kind == kind.__tablename__, Step.row_id.in_(_own(kind, account)))
        for kind in kinds
    ]
    for one in _in_portions(select(Step).where(or_(*of_kinds)), Step):
        yield {
            "action": one.action_id, "at": _moment(one.action.at), "kind": one.kind,
            "row": one.row_id, "event": one.event, "from": one.source, "to": one.target,
            "by_oneself": one.action.by_id == account.id,
        }  # fmt: skip


LISTS: dict[str, Callable[[Account], Entries]] = {
    "memberships": _memberships,
    "invitations": _invitations,
    "tokens": _tokens,
    "sessions": _sessions,
    "address_changes": _changes,
    "actions": _actions,
    "steps": _steps,
}
