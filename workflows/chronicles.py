"""Chronicles: what happened in an organization, as far as one of its members may see it. Read only.

What would surprise a reader: an action is cut to its reader. Admins see all of it; everybody else
sees what they did themselves, and of what others did only the steps of their own rows, so that an
invitation sent to many tells nobody the other addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select

from workflows.accounts import Account
from workflows.engine import history
from workflows.engine.db import db
from workflows.engine.history import Action, Step
from workflows.invitations import Invitation
from workflows.invoices import Invoice
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.tokens import Token


@dataclass(frozen=True)
class Entry:
    """An action with those of its steps that the reader may see, and whom these are about."""

    action: Action
    steps: Sequence[Step]
    by: str | None  # None: the clock
    members: list[str]  # names
    addresses: list[str]  # of invitations
    bills: list[str]


def of(membership: Membership, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The newest actions, or those before action id `before`, that this member may see."""
    own = None if membership.state == "admin" else _of_their_own(membership)
    mine = Action.by_id == membership.account_id
    moved = select(Step.action_id).where(own) if own is not None else None
    only = None if moved is None else or_(mine, Action.id.in_(moved))
    actions = history.of_organization(membership.organization_id, before, limit, only)
    steps = select(Step).where(Step.action_id.in_([action.id for action in actions]))
    if own is not None:
        theirs = [action.id for action in actions if action.by_id == membership.account_id]
        steps = steps.where(or_(own, Step.action_id.in_(theirs)))
    return _entries(actions, db.session.scalars(steps.order_by(Step.id)).all())


def _of_their_own(membership: Membership) -> Any:
    """The steps of a person's memberships, invitations and tokens in this organization.

    Not of seats: a seat is somebody else's before and after, and never moves without a token.
    """
    organization_id, account = membership.organization_id, membership.account
    own = select(Membership.id).filter_by(organization_id=organization_id, account_id=account.id)
    asked = or_(Invitation.membership_id.in_(own), Invitation.email_key == account.email_key)
    invited = select(Invitation.id).filter_by(organization_id=organization_id).where(asked)
    held = select(Token.id).where(Token.membership_id.in_(own))
    rows = {"memberships": own, "invitations": invited, "tokens": held}
    return or_(*(and_(Step.kind == kind, Step.row_id.in_(ids)) for kind, ids in rows.items()))


def _entries(actions: Sequence[Action], steps: Sequence[Step]) -> list[Entry]:
    by_ids = {action.by_id for action in actions if action.by_id}
    names = _pairs(select(Account.id, Account.name).where(Account.id.in_(by_ids)))
    members, addresses, bills = _members(steps), _addresses(steps), _bills(steps)
    of_action: dict[int, list[Step]] = {action.id: [] for action in actions}
    for step in steps:
        of_action[step.action_id].append(step)
    return [
        Entry(
            action, mine := of_action[action.id], names.get(action.by_id),
            _found(members, mine), _found(addresses, mine), _found(bills, mine),
        )
        for action in actions
    ]  # fmt: skip


def _found(words: dict[Any, str], steps: Iterable[Step]) -> list[str]:
    """The words for these steps, each once, in their order."""
    keys = ((step.kind, step.row_id) for step in steps)
    return list(dict.fromkeys(words[key] for key in keys if key in words))


def _members(steps: Sequence[Step]) -> dict[Any, str]:
    named = select(Membership.id, Account.name).join(Account, Account.id == Membership.account_id)
    held = select(Token.id, Account.name).join(Membership, Membership.id == Token.membership_id)
    held = held.join(Account, Account.id == Membership.account_id)
    members = _pairs(named.where(Membership.id.in_(_ids(steps, "memberships"))))
    tokens = _pairs(held.where(Token.id.in_(_ids(steps, "tokens"))))
    return _keyed("memberships", members) | _keyed("tokens", tokens)


def _addresses(steps: Sequence[Step]) -> dict[Any, str]:
    ids = _ids(steps, "invitations")
    asked = select(Invitation.id, Invitation.email).where(Invitation.id.in_(ids))
    moved = select(Move.id, Invitation.email).join(Invitation, Invitation.id == Move.invitation_id)
    moved = moved.where(Move.id.in_(_ids(steps, "moves")))
    return _keyed("invitations", _pairs(asked)) | _keyed("moves", _pairs(moved))


def _bills(steps: Sequence[Step]) -> dict[Any, str]:
    """What was bought, by the first bill of each subscription that was paid for here."""
    ids = [step.row_id for step in steps if (step.kind, step.event) == ("subscriptions", "pay")]
    first = select(Invoice.subscription_id, Invoice.description).filter_by(seats_before=0)
    return _keyed("subscriptions", _pairs(first.where(Invoice.subscription_id.in_(ids))))


def _ids(steps: Iterable[Step], kind: str) -> set[int]:
    return {step.row_id for step in steps if step.kind == kind}


def _pairs(query: Any) -> dict[Any, str]:
    return dict(db.session.execute(query).all())


def _keyed(kind: str, words: dict[Any, str]) -> dict[Any, str]:
    return {(kind, row_id): word for row_id, word in words.items()}
