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
    account = Membership.account
    named = select(Membership.id, Account.name).join(account)
    held = select(Token.id, Account.name).join(Token.membership).join(account)
    waited = select(Place.id, Account.name).join(Place.membership).join(account)
    offered = select(Handover.id, Account.name).join(Handover.chosen).join(account)
    people = _words("memberships", named, steps) | _words("tokens", held, steps)
    return people | _words("places", waited, steps) | _words("handovers", offered, steps)


def addresses(steps: Sequence[Step]) -> Words:
    """The address of each invitation that they moved, or moved elsewhere."""
    asked = select(Invitation.id, Invitation.email)
    moved = select(Move.id, Invitation.email).join(Move.invitation)
    return _words("invitations", asked, steps) | _words("moves", moved, steps)


def bills(steps: Sequence[Step]) -> Words:
    """What was bought, by the first bill of each subscription that was paid for here."""
    first = select(Invoice.subscription_id, Invoice.description).filter_by(seats_before=0)
    return _words("subscriptions", first, [step for step in steps if step.event == "pay"])


def _words(kind: str, of_row: Any, steps: Iterable[Step]) -> Words:
    """What the query `of_row`, of ids and words, has for the rows of this kind."""
    ids = {step.row_id for step in steps if step.kind == kind}
    found = db.session.execute(of_row.where(of_row.selected_columns[0].in_(ids)))
    return {(kind, row_id): word for row_id, word in found}
