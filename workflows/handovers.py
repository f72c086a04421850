"""Handovers: the owner offers ownership to another admin, who must accept.

    offered ── accept ──▶ accepted     the chosen admin is the owner, the old owner an admin
       ├────── decline ─▶ declined
       ├────── cancel ──▶ canceled     by the owner
       ├─ fall_through ─▶ canceled     the chosen one is no admin any more, or all is over
       ├───── appoint ──▶ accepted     by an operator, as the owner is gone (see `appointments`)
       └────── expire ──▶ expired      a week without an answer

Until it is accepted nothing changes. An open offer points at an *admin* membership, so that the
database lets nobody go or be demoted while ownership is still offered to them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import memberships, organizations
from workflows.accounts import Account
from workflows.engine import outbox, receipts
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.engine.settings import settings
from workflows.memberships import ROLES, Membership, require_admin, require_owner
from workflows.organizations import Organization

DAYS = 7
CHOSEN = "Only the admin to whom ownership is offered may do this."
OFFERER = "Only the owner who made this offer may cancel it."


class HandoverMachine(Machine):
    offered = State(initial=True)
    accepted = State(final=True)
    declined = State(final=True)
    canceled = State(final=True)
    expired = State(final=True)

    accept = offered.to(accepted, validators=["chosen_only", "in_time"])
    decline = offered.to(declined, validators=["chosen_only"])
    cancel = offered.to(canceled, validators=["offerer_only"])
    fall_through = offered.to(canceled)
    expire = offered.to(expired)
    appoint = offered.to(accepted)

    def chosen_only(self, by: Account) -> None:
        if by.id != self.model.chosen.account_id:
            raise NotAllowed(CHOSEN)

    def offerer_only(self, by: Account) -> None:
        if by.id != self.model.owner.account_id:
            raise NotAllowed(OFFERER)

    def in_time(self) -> None:
        if now() >= self.model.expires_at:
            raise NotNow(self.model.no_arrow("expired"))


class Handover(Stateful, Base):
    __tablename__ = "handovers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "organization_id"], ["memberships.id", "memberships.organization_id"]
        ),
        ForeignKeyConstraint(
            ["chosen_id", "organization_id"], ["memberships.id", "memberships.organization_id"]
        ),
        # Ownership is offered to an admin of this very organization, or the row cannot be written.
        ForeignKeyConstraint(
            ["chosen_id", "organization_id", "chosen_state"],
            ["memberships.id", "memberships.organization_id", "memberships.state"],
            name="fk_handovers_chosen",
        ),
        CheckConstraint("(chosen_state IS NOT NULL) = (state = 'offered')", name="chosen_known"),
        CheckConstraint("chosen_state = 'admin'", name="chosen_is_admin"),
        CheckConstraint("owner_id <> chosen_id", name="somebody_else"),
        index_of_few(
            "one_open_handover", "organization_id", unique=True, which="state = 'offered'"
        ),
        Index(None, "chosen_id"),
        index_of_few(None, "expires_at", which="state = 'offered'"),
    )  # fmt: skip
    machine = HandoverMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    owner_id: Mapped[int]  # the membership of whoever offers
    chosen_id: Mapped[int]
    chosen_state: Mapped[str | None]  # "admin" as long as the offer is open
    expires_at: Mapped[datetime]

    organization: Mapped[Organization] = relationship()
    owner: Mapped[Membership] = relationship(
        primaryjoin="foreign(Handover.owner_id) == remote(Membership.id)", viewonly=True
    )
    chosen: Mapped[Membership] = relationship(
        primaryjoin="foreign(Handover.chosen_id) == remote(Membership.id)", viewonly=True
    )

    def no_arrow(self, event: str) -> str:
        return {
            "accepted": "This offer was accepted.",
            "declined": "This offer was declined.",
            "canceled": "This offer does not stand any more.",
        }.get(self.state, "This offer was not answered in time.")


@command
def offer(membership: Membership, *, by: Account) -> Handover:
    """Ask another admin to become the owner; nothing changes until they accept."""
    memberships.lock_both(membership, by)
    organization = lock(membership.organization)  # whose owner may have changed a moment ago
    require_owner(by, organization)
    may_offer(membership, pending(organization))
    handover = _begin(membership, by=by)
    outbox.post("handover_offered", about=handover)
    return handover


def _begin(membership: Membership, *, by: Account) -> Handover:
    place = membership.organization
    return Handover.begin(
        organization=place, owner_id=place.owner_id, chosen_id=membership.id,
        chosen_state=membership.state, expires_at=now() + timedelta(days=DAYS), by=by,
    )  # fmt: skip


def may_offer(membership: Membership, open_one: Handover | None) -> None:
    """The rule behind Hand Over Ownership, for an owner."""
    memberships.require_active(membership)
    name = membership.account.name
    if membership.is_owner:
        raise NotNow(f"{name} is the owner already.")
    if open_one:
        raise NotNow(f"Ownership is offered to {open_one.chosen.account.name} already.")
    if membership.state != "admin":
        role = ROLES[membership.state].lower()
        raise NotNow(f"{name} is a {role}. Only an admin can become the owner.")


@command
def accept(handover: Handover, *, by: Account) -> None:
    """Make the chosen admin the owner; the old owner is an admin like the others."""
    lock(handover.owner, handover.chosen, handover.organization, handover)
    require_admin(by, handover.organization)
    handover.fire("accept", by=by, chosen_state=None)
    organizations.pass_on(handover.organization, handover.chosen)
    outbox.post("handover_accepted", about=handover)


@command
def decline(handover: Handover, *, by: Account) -> None:
    """Say no thanks; the owner stays the owner, and hears of it."""
    lock(handover)
    require_admin(by, handover.organization)
    handover.fire("decline", by=by, chosen_state=None)
    outbox.post("handover_declined", about=handover)


@command
def cancel(handover: Handover, *, by: Account) -> None:
    """Take the offer back before it is answered."""
    lock(handover)
    require_admin(by, handover.organization)
    handover.fire("cancel", by=by, chosen_state=None)
    outbox.post("handover_canceled", about=handover)


def fall_through(membership: Membership, *, by: Account | None) -> None:
    """End the offer to somebody who is about to be an admin no longer; the owner hears of it."""
    open_one = pending(membership.organization)
    if open_one is None or open_one.chosen_id != membership.id:
        return
    lock(open_one).fire("fall_through", by=by, chosen_state=None)
    outbox.post("handover_fell_through", about=open_one)


def call_off(organization: Organization, *, by: Account) -> None:
    """End the offer together with the organization, of which both hear anyway."""
    if open_one := pending(organization):
        lock(open_one).fire("fall_through", by=by, chosen_state=None)


def appoint(membership: Membership, *, by: Account) -> Handover:
    """Settle an offer to this admin unasked, which may be open; the organization is held."""
    open_one = pending(membership.organization)
    handover = lock(open_one) if open_one else _begin(membership, by=by)
    settled: Handover = handover.fire("appoint", by=by, chosen_state=None)
    return settled


def expire_unanswered() -> None:
    """End every offer whose time is over, each by itself, and tell the owner."""
    late = select(Handover).where(text("handovers.state = 'offered'"))
    for handover in db.session.scalars(late.where(Handover.expires_at <= now())).all():
        _expire(handover)


@command
def _expire(handover: Handover) -> None:
    lock(handover)
    if handover.state == "offered" and handover.expires_at <= now():
        handover.fire("expire", by=None, chosen_state=None)
        outbox.post("handover_expired", about=handover)


def pending(organization: Organization) -> Handover | None:
    """The offer that waits for an answer; there is at most one."""
    return db.session.scalar(select(Handover).filter_by(organization=organization, state="offered"))


Made = tuple[str, dict[str, Any]] | None


@outbox.letter("handover_offered", about=Handover, rationed=True)
@outbox.letter("handover_canceled", about=Handover, rationed=True)
def to_chosen(handover: Handover, letter: Any) -> Made:
    """Only whoever has had the offer needs to hear that it was taken back."""
    if handover.state != letter.template.removeprefix("handover_"):
        return None
    if handover.state == "canceled" and not receipts.was_sent("handover_offered", handover.id):
        return None
    return handover.chosen.account.email, facts(handover, handover.chosen)


@outbox.letter("handover_accepted", about=Handover)
@outbox.letter("handover_declined", about=Handover)
@outbox.letter("handover_fell_through", about=Handover)
@outbox.letter("handover_expired", about=Handover)
def to_owner(handover: Handover, _: Any) -> Made:
    return handover.owner.account.email, facts(handover, handover.owner)


def facts(handover: Handover, reader: Membership) -> dict[str, Any]:
    """What every letter about ownership says."""
    organization, chosen = handover.organization, handover.chosen.account
    return {
        "name": reader.account.name, "organization": organization.name,
        "owner_name": handover.owner.account.name, "owner_email": handover.owner.account.email,
        "chosen_name": chosen.name, "expires_at": handover.expires_at,
        "url": f"{settings().base_url}/{organization.slug}/ownership",
    }  # fmt: skip
