"""Mentions: the people, addresses and bills that steps are about, in words. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from workflows.accounts import Account
from workflows.engine.db import db
from workflows.engine.history import Step
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.invoices import Invoice
from workflows.memberships import Membership
from workflows.moves import Move
from workflows.places import Place
from workflows.tokens import Token

Words = dict[tuple[str, int], str]  # by the kind and the id of a row


def found(words: Words, steps: Iterable[Step]) -> list[str]:
    """The words for these steps, each once, in their order."""
    keys = ((step.kind, step.row_id) for step in steps)
    return list(dict.fromkeys(words[key] for key in keys if key in words))


def members(steps: Sequence[Step]) -> Words:
    """The name of each person whose membership, token, place or offer they moved."""
    named = select(Membership.id, Account.name).join(Account, Account.id == Membership.account_id)
    held = select(Token.id, Account.name).join(Membership, Membership.id == Token.membership_id)
    held = held.join(Account, Account.id == Membership.account_id)
    waited = select(Place.id, Account.name).join(Place.membership).join(Membership.account)
    offered = select(Handover.id, Account.name).join(
        Membership, Membership.id == Handover.chosen_id
    )
    offered = offered.join(Account, Account.id == Membership.account_id)
    chosen = _pairs(offered.where(Handover.id.in_(_ids(steps, "handovers"))))
    members = _pairs(named.where(Membership.id.in_(_ids(steps, "memberships"))))
    tokens = _pairs(held.where(Token.id.in_(_ids(steps, "tokens"))))
    places = _pairs(waited.where(Place.id.in_(_ids(steps, "places"))))
    people = _keyed("memberships", members) | _keyed("tokens", tokens)
    return people | _keyed("places", places) | _keyed("handovers", chosen)


def addresses(steps: Sequence[Step]) -> Words:
    """The address of each invitation that they moved, or moved elsewhere."""
    ids = _ids(steps, "invitations")
    asked = select(Invitation.id, Invitation.email).where(Invitation.id.in_(ids))
    moved = select(Move.id, Invitation.email).join(Invitation, Invitation.id == Move.invitation_id)
    moved = moved.where(Move.id.in_(_ids(steps, "moves")))
    return _keyed("invitations", _pairs(asked)) | _keyed("moves", _pairs(moved))


def bills(steps: Sequence[Step]) -> Words:
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
