"""Invariants: what can never be, looked for by the clock all the same.

Each is a query that counts rows which contradict each other. The code cannot bring them about, and
most of them the database refuses; a restore that was not whole, or a hand in the database, can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from workflows.accounts import Account
from workflows.engine.db import db
from workflows.engine.history import Step
from workflows.engine.letters import Attempt, Letter
from workflows.engine.machine import Stateful
from workflows.engine.register import REGISTER
from workflows.handovers import Handover
from workflows.invitations import Invitation
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.sessions import Session
from workflows.subscriptions import LIVE, Subscription
from workflows.tokens import Generation, Token
from workflows.verdicts import Verdict

WITH_HISTORY = (Invitation, Membership, Token, Handover)
BACKUP = "Bring the row that is missing back from a backup, or ask whoever changed the database."
REISSUE = "Ask the member to reissue the token: the next generation is whole."
BY_HAND = "Somebody changed this state in the database. Set it back to the last one of its history."


@dataclass(frozen=True)
class Invariant:
    """What no row may be: which rows are, and what an operator does about them."""

    kind: Any  # the class of the rows
    which: tuple[Any, ...]
    help: str

    def rows(self) -> Any:
        return select(self.kind.id).where(*self.which)


def count_all() -> dict[str, int]:
    """How many rows contradict each invariant: nothing but zeros, or something is wrong."""
    return {name: _number(one) for name, one in all_of_them().items()}


def _number(invariant: Invariant) -> int:
    return int(
        db.session.scalar(select(func.count()).select_from(invariant.rows().subquery())) or 0
    )


def first_of(name: str, limit: int) -> Sequence[int]:
    """The ids of some rows that contradict an invariant now."""
    rows = all_of_them()[name].rows()
    return db.session.scalars(rows.order_by(rows.selected_columns[0]).limit(limit)).all()


def all_of_them() -> dict[str, Invariant]:
    return _of_tokens() | _of_organizations() | _of_letters() | {
        f"{kind.__tablename__} whose history says another state": _told(kind)
        for kind in WITH_HISTORY
    }  # fmt: skip


def _of_tokens() -> dict[str, Invariant]:
    return {
        "a living token without a taken seat": Invariant(
            Token, (Token.seat_id.is_not(None), ~_seat()),
            "Its seat is missing or somebody else’s. Bring the seat’s row back from a backup.",
        ),
        "a token without its generation": Invariant(
            Token, (Token.generation > 0, ~_generation()), REISSUE,
        ),
        "a secret that the gate does not know": Invariant(
            Generation, (Generation.digest.is_not(None), ~_verdict()),
            "The clock mends this within the hour. Until then the gate refuses that token.",
        ),
        "a secret that outlived its token": Invariant(
            Generation, (_outlived(),),
            "Set its ends_at and reason to when and why its token was revoked. The gate follows "
            "within the hour.",
        ),
    }  # fmt: skip


def _of_organizations() -> dict[str, Invariant]:
    return {
        "more or fewer seats than were bought": Invariant(
            Subscription, (Subscription.state.in_(LIVE), _bought()),
            "Set seats of the subscription to how many rows of seats there are, and tell whoever "
            "bought them.",
        ),
        "an organization without an owner who is an admin": Invariant(
            Organization, (Organization.state == "active", ~_owner()), BACKUP,
        ),
        "an accepted invitation without a member": Invariant(
            Invitation, (Invitation.state.in_(["accepted", "seated"]), ~_member()), BACKUP,
        ),
        "a session of a closed account": Invariant(
            Session, (_closed(),), "Delete the row. Nobody needs it, and it lets nobody in.",
        ),
    }  # fmt: skip


def _of_letters() -> dict[str, Invariant]:
    return {
        "a letter that is sent and was never handed over": Invariant(
            Letter, (Letter.state == "sent", or_(Letter.sent_at.is_(None), ~_handed_over())),
            "No mail server’s answer is known. Ask whether it arrived, else mail it again from the "
            "member’s page; bring its tries back from a backup.",
        ),
        "a letter about nothing": Invariant(Letter, (_about_nothing(),), BACKUP),
    }  # fmt: skip


def _seat() -> Any:
    return exists().where(Seat.id == Token.seat_id, Seat.membership_id == Token.membership_id)


def _generation() -> Any:
    return exists().where(Generation.token_id == Token.id, Generation.number == Token.generation)


def _verdict() -> Any:
    return exists().where(
        Verdict.digest == Generation.digest, Verdict.generation_id == Generation.id
    )


def _outlived() -> Any:
    over = exists().where(Token.id == Generation.token_id, Token.state == "revoked")
    return and_(Generation.ends_at.is_(None), over)


def _bought() -> Any:
    """Of subscriptions that are paid for: their number of seats beside the seats that are."""
    there = select(func.count()).where(Seat.organization_id == Subscription.organization_id)
    return there.correlate(Subscription).scalar_subquery() != Subscription.seats


def _owner() -> Any:
    return exists().where(Membership.id == Organization.owner_id, Membership.state == "admin")


def _member() -> Any:
    return exists().where(Membership.id == Invitation.membership_id)


def _handed_over() -> Any:
    return exists().where(Attempt.letter_id == Letter.id, Attempt.outcome == "sent")


def _about_nothing() -> Any:
    lost = [
        and_(Letter.template == name, ~exists().where(one.about.id == Letter.about_id))
        for name, one in REGISTER.items()
    ]
    return or_(*lost)


def _closed() -> Any:
    return exists().where(Account.id == Session.account_id, Account.state == "closed")


def _told(kind: type[Stateful]) -> Invariant:
    """Rows whose newest step leads elsewhere."""
    name = kind.__tablename__  # type: ignore[attr-defined]
    newest = (
        select(Step.target).where(Step.kind == name, Step.row_id == kind.id)
        .order_by(Step.id.desc()).limit(1).correlate(kind).scalar_subquery()
    )  # fmt: skip
    return Invariant(kind, (newest != kind.state,), BY_HAND)
