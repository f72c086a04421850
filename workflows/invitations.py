"""Invitations: an address is asked to join, joins, and is given a seat.

       ┌─ resend ─┐
       ▼          │
    sent ────── accept ─▶ accepted ── seat ──▶ seated
     ├───────── decline ▶ declined  └─ close ─▶ closed     gone before there was a seat
     ├───────── revoke ─▶ revoked
     └───────── expire ─▶ expired ── resend ─▶ sent

Nothing is counted against the subscription until the last step, so an organization cannot be
filled up by inviting people who never answer. An invitation carries no role.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import memberships, operators, quotas
from workflows.accounts import Account
from workflows.engine import outbox, seals
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.identity import parse_address
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.engine.settings import settings
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization

OPEN = "state IN ('sent', 'expired')"


class InvitationMachine(Machine):
    sent = State(initial=True)
    accepted = State()
    seated = State(final=True)
    declined = State(final=True)
    revoked = State(final=True)
    expired = State()
    closed = State(final=True)

    accept = sent.to(accepted, validators=["in_time", "addressee_only"])
    seat = accepted.to(seated)
    close = accepted.to(closed)
    decline = sent.to(declined)
    revoke = sent.to(revoked) | expired.to(revoked)
    expire = sent.to(expired)
    resend = sent.to(sent) | expired.to(sent)

    def in_time(self) -> None:
        if now() >= self.model.expires_at:
            raise NotNow("This invitation has expired.")

    def addressee_only(self, by: Account) -> None:
        if by.email_key != self.model.email_key:
            raise NotAllowed("This invitation is for another address. Nothing has changed.")


class Invitation(Stateful, Base):
    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["membership_id", "organization_id"], ["memberships.id", "memberships.organization_id"]
        ),
        CheckConstraint(
            "(membership_id IS NOT NULL) = (state IN ('accepted', 'seated', 'closed'))",
            name="accepted_by_a_member",
        ),
        Index(
            "one_open_invitation", "organization_id", "email_key", unique=True,
            postgresql_where=text(OPEN), sqlite_where=text(OPEN),
        ),
        index_of_few("ix_invitations_expires_at", "expires_at", "state = 'sent'"),
        index_of_few("accepted_invitations", "since", "state = 'accepted'"),
        index_of_few("expired_invitations", "since", "state = 'expired'"),
        Index("invitations_by_address", "organization_id", "email_key"),
        Index("invitations_by_key", "email_key", postgresql_ops={"email_key": "text_pattern_ops"}),
    )  # fmt: skip
    machine = InvitationMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    email: Mapped[str]
    email_key: Mapped[str]
    expires_at: Mapped[datetime]
    round: Mapped[int] = mapped_column(default=1)  # how often it was sent
    membership_id: Mapped[int | None] = mapped_column(index=True)

    organization: Mapped[Organization] = relationship()
    invited_by: Mapped[Account] = relationship()
    membership: Mapped[Membership | None] = relationship(
        primaryjoin="foreign(Invitation.membership_id) == remote(Membership.id)", viewonly=True
    )

    def no_arrow(self, event: str) -> str:
        if event == "accept" and self.state == "expired":
            return "This invitation has expired."
        was = {"sent": "is not answered yet", "expired": "has expired", "seated": "is finished"}
        return f"This invitation {was.get(self.state, f'was {self.state}')}."


def begin(organization: Organization, spelling: str, key: str, *, by: Account) -> Invitation:
    """Ask one address to join; `invite` in `guest_lists` is the door to this."""
    invitation = Invitation.begin(
        organization=organization, invited_by=by, email=spelling, email_key=key,
        expires_at=expiry(organization), by=by,
    )  # fmt: skip
    outbox.post("invitation", about=invitation, generation=1)
    return invitation


@command
def resend(invitation: Invitation, *, by: Account) -> None:
    """Send it again, with the full time to answer; links in earlier letters keep working."""
    require_admin(by, invitation.organization)
    lock(invitation).rehearse("resend", by=by)
    quotas.spend_again(invitation.id, invitation.email_key)
    expires_at = expiry(invitation.organization)
    invitation.fire("resend", by=by, expires_at=expires_at, round=invitation.round + 1)
    outbox.post("invitation", about=invitation, generation=invitation.round)


@command
def revoke(invitation: Invitation, *, by: Account) -> None:
    """Take back an invitation nobody has accepted yet."""
    require_admin(by, invitation.organization)
    lock(invitation).fire("revoke", by=by)
    outbox.post("invitation_revoked", about=invitation)


@command
def expire(invitation: Invitation, *, by: Account) -> None:
    """End the time to answer before it is over, and tell who sent it; operators alone may."""
    operators.require_acting(by)
    lock(invitation).fire("expire", by=by, expires_at=now())
    outbox.post("invitation_expired", about=invitation, generation=invitation.round)


@command
def decline(invitation: Invitation, email: str, *, by: Account | None) -> None:
    """Say no thanks. Whoever holds the link must also know the address: mail scanners do not."""
    if by and by.email_key != invitation.email_key:
        raise NotAllowed("This invitation is for another address. Nothing has changed.")
    try:
        key = parse_address(email)[1]
    except Invalid:
        key = ""
    if key != invitation.email_key:
        raise Invalid(email="This is not the address the invitation was sent to.")
    lock(invitation).fire("decline", by=by)
    outbox.post("invitation_declined", about=invitation)


def expire_unanswered() -> None:
    """Close every invitation whose time is over, each by itself, and tell who sent it."""
    late = select(Invitation).where(text("invitations.state = 'sent'"))
    for invitation in db.session.scalars(late.where(Invitation.expires_at <= now())).all():
        _expire(invitation)


@command
def _expire(invitation: Invitation) -> None:
    lock(invitation)
    if invitation.state == "sent" and invitation.expires_at <= now():
        invitation.fire("expire", by=None)
        outbox.post("invitation_expired", about=invitation, generation=invitation.round)


def expiry(organization: Organization) -> datetime:
    return now() + timedelta(days=organization.invitation_days)


def of_organization(
    organization: Organization, before: int | None = None, limit: int | None = None
) -> list[Invitation]:
    """The invitations of an organization, newest first: all, or some of those before this id."""
    mine = select(Invitation).filter_by(organization=organization)
    if before is not None:
        mine = mine.where(Invitation.id < before)
    return list(db.session.scalars(mine.order_by(Invitation.id.desc()).limit(limit)))


def accepted_by(membership: Membership) -> Invitation | None:
    """The invitation that made this membership, while it waits for a seat."""
    waiting = select(Invitation).filter_by(membership_id=membership.id, state="accepted")
    return db.session.scalar(waiting)


def link(invitation: Invitation) -> str:
    """The address in the letter; the same for every letter of this invitation."""
    return f"{settings().base_url}/join/{seals.seal('join', invitation.id)}"


def who_hears(invitation: Invitation) -> Account:
    """Who is told about this invitation: the inviter, or the owner if the inviter has gone."""
    inviter = memberships.of(invitation.invited_by, invitation.organization)
    if inviter and inviter.state == "admin":
        return invitation.invited_by
    owner = invitation.organization.owner
    assert owner is not None
    return owner.account


Made = tuple[str, dict[str, Any]] | None


@outbox.letter(
    "invitation", about=Invitation, rationed=True, bounced=lambda row: _tell_bounced(row)
)
def to_invited(invitation: Invitation, letter: Any) -> Made:
    if invitation.state != "sent" or invitation.round != letter.generation:
        return None
    return invitation.email, {
        "inviter_name": invitation.invited_by.name,
        "inviter_email": invitation.invited_by.email,
        "organization": invitation.organization.name,
        "url": link(invitation),
        "expires_at": invitation.expires_at,
        "days": invitation.organization.invitation_days,
    }


@outbox.letter("invitation_revoked", about=Invitation, rationed=True)
def to_disinvited(invitation: Invitation, _: Any) -> Made:
    """Only somebody who has had the first letter needs the second."""
    if not outbox.was_sent("invitation", invitation.id):
        return None
    facts = {"inviter_email": invitation.invited_by.email}
    return invitation.email, {"organization": invitation.organization.name, **facts}


@outbox.letter("invitation_declined", about=Invitation)
@outbox.letter("invitation_expired", about=Invitation)
@outbox.letter("invitation_bounced", about=Invitation)
def to_inviter(invitation: Invitation, letter: Any) -> Made:
    state = {"invitation_bounced": "sent"}.get(letter.template, letter.template[11:])
    if invitation.state != state:
        return None
    facts = {"email": invitation.email, "organization": invitation.organization.name}
    url = f"{settings().base_url}/{invitation.organization.slug}/members"
    sent = outbox.newest(("invitation",), [invitation.id]).get(invitation.id)
    reply = (sent.reply if sent else None) or ""
    return who_hears(invitation).email, {**facts, "url": url, "reply": reply}


def _tell_bounced(invitation: Invitation) -> None:
    outbox.post("invitation_bounced", about=invitation, generation=invitation.round)
