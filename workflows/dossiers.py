"""Dossiers: what belongs to one row, for its page for operators and the same as JSON. Read only.

What would surprise a reader: invitation, membership, seat and token are one way of one person, so
whichever of them is asked for, it is the same dossier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from workflows import chronicles, correspondence, mailrooms, prospects
from workflows.accounts import SignUp
from workflows.correspondence import Posted
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.invitations import Invitation
from workflows.invoices import Invoice
from workflows.memberships import Membership
from workflows.prospects import Way
from workflows.seats import Seat
from workflows.subscriptions import Subscription
from workflows.tokens import Token


@dataclass(frozen=True)
class Dossier:
    """The rows that are shown with their machines, and what history and letters are found by."""

    rows: list[Any]
    about: dict[str, Any] = field(default_factory=dict)  # ids by table
    way: Way = field(default_factory=Way)

    @property
    def letters(self) -> Sequence[Posted]:
        """Every letter with its tries, the newest first; of a letter's the letter itself."""
        [first, *_] = self.rows
        if isinstance(first, Letter):
            return [Posted(first, mailrooms.attempts(first)[::-1])]
        return correspondence.about(self.about) if self.about else []


def of(row: Any) -> Dossier:
    """What belongs to this row."""
    if member := member_of(row):
        way = prospects.way_of(member)
        return Dossier(way.rows, chronicles.all_rows_of(member), way)
    if isinstance(row, Invitation):
        return Dossier([row], chronicles.rows_of_address(row), Way(invitation=row))
    if isinstance(row, Subscription):
        return Dossier([row], {"invoices": select(Invoice.id).filter_by(subscription_id=row.id)})
    return Dossier([row], {"sign_ups": [row.id]} if isinstance(row, SignUp) else {})


def member_of(row: Any) -> Membership | None:
    """The member whose way this row is on."""
    if isinstance(row, Invitation | Token | Seat) and row.membership_id:
        return db.session.get_one(Membership, row.membership_id)
    return row if isinstance(row, Membership) else None
