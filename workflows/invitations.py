"""Invitations: an address is asked to join, joins, and is given a seat.

       ┌─ resend, extend
       ▼     │
    sent ────── accept ─▶ accepted ── seat ──▶ seated
     ├───────── decline ▶ declined  └─ close ─▶ closed     gone before there was a seat
     ├───────── revoke ─▶ revoked
     └───────── expire ─▶ expired ── resend, extend ─▶ sent
                           ▲  └─ ask_again
                           └──────┘

Nothing is counted against the subscription until the last step, so an organization cannot be
filled up by inviting people who never answer. An invitation carries no role.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, false, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import memberships, operators, quotas
from workflows.accounts import Account
from workflows.engine import cohorts, outbox, seals
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.identity import key_of, parse_words
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.engine.settings import settings
from workflows.memberships import Membership, require_admin
from workflows.organizations import Organization

OPEN = ("sent", "expired")  # may still become a membership
IS_OPEN = f"state IN {OPEN}"  # in the words of its index, which is found by no others
A_DAY = timedelta(days=1)
LONGEST_WORD = 280  # characters that somebody who declines may add


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
    extend = sent.to(sent, validators=["gains_time"]) | expired.to(sent)
    ask_again = expired.to(expired)

    def in_time(self) -> None:
        if now() >= self.model.expires_at:
            raise NotNow("This invitation has expired.")

    def gains_time(self) -> None:
        if expiry(self.model.organization) - self.model.expires_at < A_DAY:
            raise NotNow("This invitation has the full time to be answered.")

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
        index_of_few(
            "one_open_invitation", "organization_id", "email_key", unique=True, which=IS_OPEN
        ),
        index_of_few("ix_invitations_expires_at", "expires_at", which="state = 'sent'"),
        index_of_few("accepted_invitations", "since", which="state = 'accepted'"),
        index_of_few("expired_invitations", "since", which="state = 'expired'"),
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
    instead_of: Mapped[str | None]  # the address that was corrected, or moved away from
    became: Mapped[str | None]  # the address that took the place of this one
    word: Mapped[str | None]  # to the admins, from whoever declined
    asked_at: Mapped[datetime | None]  # when a new link was asked for, until there is one
    reminded: Mapped[int | None]  # the round whose end the invited person was reminded of
    seat_wished: Mapped[bool] = mapped_column(default=False, server_default=false())

    organization: Mapped[Organization] = relationship()
    invited_by: Mapped[Account] = relationship()
    membership: Mapped[Membership | None] = relationship(
        primaryjoin="foreign(Invitation.membership_id) == remote(Membership.id)", viewonly=True
    )

    @property
    def inviter(self) -> Account:
        """Whoever sent it, or who hears of it if that account is closed."""
        return self.invited_by if self.invited_by.state == "active" else who_hears(self)

    def no_arrow(self, event: str) -> str:
        if event == "accept" and self.state == "expired":
            return "This invitation has expired."
        if event == "ask_again" and self.state == "sent":
            return "This invitation can be answered. No new link is needed."
        was = {"sent": "is not answered yet", "expired": "has expired", "seated": "is finished"}
        return f"This invitation {was.get(self.state, f'was {self.state}')}."


def begin(organization: Organization, spelling: str, key: str, *, by: Account) -> Invitation:
    """Ask one address to join."""
    invitation = Invitation.begin(
        organization=organization, invited_by=by, email=spelling, email_key=key,
        expires_at=expiry(organization), by=by,
    )  # fmt: skip
    outbox.post("invitation", about=invitation, generation=1)
    return invitation


def begin_all(
    organization: Organization, addresses: Mapping[str, str], seat: bool = False, *, by: Account
) -> None:
    """Ask these addresses to join, by their keys as written; `guest_lists` is the door to this."""
    each = {"email": list(addresses.values()), "email_key": list(addresses)}
    ids = cohorts.begin(
        Invitation, each, by=by, organization_id=organization.id, invited_by_id=by.id, round=1,
        expires_at=expiry(organization), seat_wished=seat,
    )  # fmt: skip
    cohorts.post("invitation", organization.id, dict.fromkeys(ids, 1))


@command
def resend(invitation: Invitation, *, by: Account) -> None:
    """Send it again, with the full time to answer; links in earlier letters keep working."""
    require_admin(by, invitation.organization)
    lock(invitation).rehearse("resend", by=by)
    quotas.spend_again(invitation.id)
    changes = {"expires_at": expiry(invitation.organization), "asked_at": None}
    invitation.fire("resend", by=by, round=invitation.round + 1, **changes)
    outbox.post("invitation", about=invitation, generation=invitation.round)


@command
def extend(invitation: Invitation, *, by: Account) -> None:
    """Give it the full time again, as `resend` does, without a letter."""
    require_admin(by, invitation.organization)
    expires_at = expiry(invitation.organization)
    lock(invitation).fire("extend", by=by, expires_at=expires_at, asked_at=None)


@command
def revoke(invitation: Invitation, *, by: Account) -> None:
    """Take back an invitation nobody has accepted yet."""
    require_admin(by, invitation.organization)
    lock(invitation).fire("revoke", by=by)
    outbox.post("invitation_revoked", about=invitation)


@command
def end(invitation: Invitation, *, by: Account) -> None:
    """End the time to answer before it is over, and tell who sent it; operators alone may."""
    operators.require_acting(by)
    lock(invitation).fire("expire", by=by, expires_at=now())
    outbox.post("invitation_expired", about=invitation, generation=invitation.round)


@command
def decline(invitation: Invitation, email: str, word: str = "", *, by: Account | None) -> None:
    """Say no thanks, and a word to the admins if you like."""
    require_addressee(invitation, email, by=by)
    said = parse_words(word, "word", LONGEST_WORD) or None
    lock(invitation).fire("decline", by=by, word=said)
    outbox.post("invitation_declined", about=invitation)


def require_addressee(invitation: Invitation, email: str, *, by: Account | None) -> None:
    """Whoever holds the link must also know the address: mail scanners do not."""
    if by and by.email_key != invitation.email_key:
        raise NotAllowed("This invitation is for another address. Nothing has changed.")
    if key_of(email) != invitation.email_key:
        raise Invalid(email="This is not the address the invitation was sent to.")


def expire_unanswered() -> None:
    """Close every invitation whose time is over, each by itself, and tell who sent it."""
    late = select(Invitation).where(text("invitations.state = 'sent'"))
    for invitation in db.session.scalars(late.where(Invitation.expires_at <= now())).all():
        expire(invitation)


@command
def expire(invitation: Invitation) -> None:
    """Close it if its time is over."""
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
