"""Moves: somebody asks to have an invitation moved to the address of their own account.

    asked ── grant ──▶ granted    the invitation goes to their address instead
      └───── refuse ─▶ refused

What would surprise a reader: a move says nothing about the invitation. One that ended meanwhile
leaves its move behind as `asked`, where nobody is waiting for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import corrections, invitations, memberships, silences
from workflows.accounts import Account
from workflows.engine import history, limits, outbox, sets
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotNow
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.invitations import OPEN, Invitation
from workflows.memberships import require_admin
from workflows.organizations import Organization

MANY = "You asked for many moves lately."
CHANGED = (
    "Whoever asked has another address by now. Nothing was moved: look at it, and decide again."
)


class MoveMachine(Machine):
    asked = State(initial=True)
    granted = State(final=True)
    refused = State(final=True)

    grant = asked.to(granted, validators=["asker_is_here"])
    refuse = asked.to(refused)

    def asker_is_here(self) -> None:
        if self.model.account.state != "active":
            raise NotNow("Whoever asked for this has closed their account.")


class Move(Stateful, Base):
    __tablename__ = "moves"
    __table_args__ = (
        index_of_few("one_open_move", "invitation_id", unique=True, which="state = 'asked'"),
        Index(None, "invitation_id"),
    )  # fmt: skip
    machine = MoveMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    invitation_id: Mapped[int] = mapped_column(ForeignKey("invitations.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))

    organization: Mapped[Organization] = relationship()
    invitation: Mapped[Invitation] = relationship()
    account: Mapped[Account] = relationship()

    def no_arrow(self, event: str) -> str:
        return f"This request was {self.state} already."


@command
def ask(invitation: Invitation, *, by: Account) -> Move:
    """Tell the admins that this invitation is wanted at another address; twice is once."""
    lock(invitation)
    if (known := newest(invitation)) and known.account_id == by.id and known.state == "asked":
        return known
    may_ask(invitation, by=by)
    limits.count("moves", by.id, sentence=MANY)
    silences.end(by.email_key)  # else the letter they ask for would be kept back
    about = {"organization": invitation.organization, "invitation": invitation}
    move = Move.begin(account=by, by=by, **about)
    history.moved("invitations", invitation.id)
    outbox.post("move_asked", about=move)
    return move


def may_ask(invitation: Invitation, *, by: Account) -> None:
    """The rule behind Ask to Move It."""
    memberships.require_open(invitation.organization)
    if invitation.state != "sent" or invitation.expires_at <= now():
        raise NotNow("This invitation cannot be answered any more.")
    if by.email_key == invitation.email_key:
        raise NotNow("This invitation is for your address. Accept it.")
    if memberships.of(by, invitation.organization):
        raise NotNow(f"You are a member of “{invitation.organization.name}” already.")
    theirs = select(Move.id).filter_by(invitation=invitation, account=by, state="refused")
    if db.session.scalar(theirs.limit(1)):
        raise NotNow("You asked for this, and an admin decided against it.")
    if of([invitation.id]):
        raise NotNow("Somebody asked for this already. An admin has to answer that first.")


@command
def grant(move: Move, seen: str, *, by: Account) -> Invitation:
    """Invite who asked, at the address the admin has `seen`, instead of where it went to."""
    lock(move.organization, move.invitation, move)
    require_admin(by, move.organization)
    may_grant(move, by=by)
    address = move.account.email
    if seen != address:
        raise Invalid(asker_email=CHANGED)
    moved = corrections.correct(move.invitation, address, by=by)
    move.fire("grant", by=by)
    return moved


def may_grant(move: Move, *, by: Account) -> None:
    """The rule behind Move."""
    move.rehearse("grant", by=by)
    corrections.may_correct(move.invitation, by=by)


@command
def refuse(move: Move, *, by: Account) -> None:
    """Leave the invitation where it is, and tell who asked."""
    require_admin(by, move.organization)
    lock(move.invitation, move)
    move.fire("refuse", by=by)
    history.moved("invitations", move.invitation_id)
    outbox.post("move_refused", about=move)


def newest(invitation: Invitation) -> Move | None:
    """The move that was asked for last, whatever became of it."""
    about = select(Move).filter_by(invitation=invitation)
    return db.session.scalar(about.order_by(Move.id.desc()).limit(1))


def of(invitation_ids: Collection[int]) -> dict[int, Move]:
    """The move that waits for an admin, for each of these invitations that has one."""
    theirs = sets.among(Move.invitation_id, invitation_ids)
    waiting = select(Move).where(theirs, text("state = 'asked'"))
    found = db.session.scalars(waiting, execution_options={"populate_existing": True})
    return {move.invitation_id: move for move in found}


@outbox.letter("move_asked", about=Move, rationed=True)
def to_admins(move: Move, _: Any) -> Made:
    if move.state != "asked" or move.invitation.state not in OPEN:
        return None
    url = f"{_home(move)}/invitations/{move.invitation_id}/move"
    return invitations.who_hears(move.invitation).email, {**_facts(move), "url": url}


@outbox.letter("move_refused", about=Move)
def to_asker(move: Move, _: Any) -> Made:
    host = {"host_email": invitations.who_hears(move.invitation).email, "name": move.account.name}
    return move.account.email, {**_facts(move), **host}


def _facts(move: Move) -> dict[str, Any]:
    asker = {"asker_name": move.account.name, "asker_email": move.account.email}
    return {"organization": move.organization.name, "email": move.invitation.email, **asker}


def _home(move: Move) -> str:
    return f"{settings().base_url}/{move.organization.slug}"
