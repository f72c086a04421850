"""Invariants: what can never be, looked for by the clock all the same.

Each is a query that counts rows which contradict each other. The code cannot bring them about, and
most of them the database refuses; a restore that was not whole, or a hand in the database, can.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from workflows.accounts import Account
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.history import Step
from workflows.engine.letters import Attempt, Letter
from workflows.engine.machine import Stateful
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


def count_all() -> dict[str, int]:
    """How many rows contradict each invariant: nothing but zeros, or something is wrong."""
    return {name: int(db.session.scalar(query) or 0) for name, query in _queries().items()}


def _queries() -> dict[str, Any]:
    return {
        "a living token without a taken seat": _number(Token, Token.seat_id.is_not(None), ~_seat()),
        "a token without its generation": _number(Token, Token.generation > 0, ~_generation()),
        "a secret that the gate does not know": _number(
            Generation, Generation.digest.is_not(None), ~_verdict()
        ),
        "a secret that outlived its token": _number(Generation, _outlived()),
        "more or fewer seats than were bought": _bought(),
        "an organization without an owner who is an admin": _number(
            Organization, Organization.state == "active", ~_owner()
        ),
        "an accepted invitation without a member": _number(
            Invitation, Invitation.state.in_(["accepted", "seated"]), ~_member()
        ),
        "a letter that is sent and was never handed over": _number(
            Letter, Letter.state == "sent", or_(Letter.sent_at.is_(None), ~_handed_over())
        ),
        "a letter about nothing": _about_nothing(),
        "a session of a closed account": _number(Session, _closed()),
    } | {f"{kind.__tablename__} whose history says another state": _told(kind)
         for kind in WITH_HISTORY}  # fmt: skip


def _number(kind: Any, *which: Any) -> Any:
    return select(func.count()).select_from(kind).where(*which)


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
    differ = there.correlate(Subscription).scalar_subquery() != Subscription.seats
    return _number(Subscription, Subscription.state.in_(LIVE), differ)


def _owner() -> Any:
    return exists().where(Membership.id == Organization.owner_id, Membership.state == "admin")


def _member() -> Any:
    return exists().where(Membership.id == Invitation.membership_id)


def _handed_over() -> Any:
    return exists().where(Attempt.letter_id == Letter.id, Attempt.outcome == "sent")


def _about_nothing() -> Any:
    lost = [
        and_(Letter.template == name, ~exists().where(one.about.id == Letter.about_id))
        for name, one in outbox.REGISTER.items()
    ]
    return _number(Letter, or_(*lost))


def _closed() -> Any:
    return exists().where(Account.id == Session.account_id, Account.state == "closed")


def _told(kind: type[Stateful]) -> Any:
    """Rows whose newest step leads elsewhere."""
    name = kind.__tablename__  # type: ignore[attr-defined]
    newest = (
        select(Step.target).where(Step.kind == name, Step.row_id == kind.id)
        .order_by(Step.id.desc()).limit(1).correlate(kind).scalar_subquery()
    )  # fmt: skip
    return _number(kind, newest != kind.state)
