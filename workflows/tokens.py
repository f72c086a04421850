"""Tokens: the personal secret that comes with a seat, mailed and never kept.

                              ┌─ reissue ─┐
                              ▼           │
    inactive ── activate ─▶ active ── reissue ─▶ reissued
        └──── revoke ────────┴──── revoke ──────────┴────▶ revoked

Each reissue is a generation of its own. The row of a generation holds a nonce and, once its letter
is about to leave, the digest of its secret; the secret itself is in the letter and nowhere else.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workflows import verdicts
from workflows.accounts import Account
from workflows.engine import history, limits, outbox, seals
from workflows.engine.db import Base, command, db, index_of_few, lock, now
from workflows.engine.machine import Machine, State, Stateful
from workflows.engine.refusals import Invalid, NotAllowed, NotNow
from workflows.engine.register import Made
from workflows.engine.settings import settings
from workflows.memberships import Membership

LETTERS = ("token", "token_reissued")  # with a secret, the first and each later one
OVERLAPS = (0, 1, 24)  # hours the old secret may go on working
OFTEN = "This token was reissued often enough. The secret in the newest letter works."
PERSONAL = "A token is personal: only the person who holds it may do this."
KEEP_NONCE = timedelta(days=7)
UNUSED = "seat_id IS NOT NULL AND first_download_at IS NULL"
UNMINTED = index_of_few("unminted_generations", "token_id", which="digest IS NULL")


class TokenMachine(Machine):
    inactive = State(initial=True)
    active = State()
    reissued = State()
    revoked = State(final=True)

    activate = inactive.to(active, validators=["holder_only"])
    reissue = reissued.from_(active, reissued, validators=["holder_only"])
    revoke = inactive.to(revoked) | active.to(revoked) | reissued.to(revoked)

    def holder_only(self, by: Account) -> None:
        require_holder(self.model, by)


class Token(Stateful, Base):
    __tablename__ = "tokens"
    __table_args__ = (
        # A token lives on the seat of its own member; the seat cannot be freed before it is dead.
        ForeignKeyConstraint(["seat_id", "membership_id"], ["seats.id", "seats.membership_id"]),
        UniqueConstraint("seat_id"),
        CheckConstraint("(seat_id IS NULL) = (state = 'revoked')", name="on_a_seat"),
        CheckConstraint("state <> 'inactive' OR generation = 0", name="inactive_has_no_secret"),
        CheckConstraint("state <> 'active' OR generation = 1", name="active_is_the_first"),
        CheckConstraint("state <> 'reissued' OR generation > 1", name="reissued_is_later"),
        index_of_few("unused_tokens", "since", which=UNUSED),
    )
    machine = TokenMachine

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"), index=True)
    seat_id: Mapped[int | None]
    generation: Mapped[int] = mapped_column(default=0)
    first_download_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    membership: Mapped[Membership] = relationship()
    generations: Mapped[list[Generation]] = relationship(
        order_by="Generation.number", back_populates="token"
    )

    @property
    def current(self) -> Generation | None:
        """The newest generation, its letter perhaps still on the way."""
        return self.generations[-1] if self.generations else None

    @property
    def old(self) -> list[Generation]:
        """Superseded generations that still work for a while, newest first."""
        moment = now()
        return [g for g in reversed(self.generations) if g.ends_at and g.ends_at > moment]

    def no_arrow(self, event: str) -> str:
        if event == "activate" and self.state != "revoked":
            return "This token is active already. Its letter was mailed to you."
        if self.state == "inactive":
            return "This token is not active yet. Activate it first."
        return "This token was revoked."


class Generation(Base):
    """One secret of a token, from the wish for it to long after its end."""

    __tablename__ = "generations"
    __table_args__ = (UniqueConstraint("token_id", "number"), UNMINTED)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id"))
    number: Mapped[int]
    nonce: Mapped[bytes | None]  # wiped a week after the letter left
    key_id: Mapped[str]
    digest: Mapped[bytes | None] = mapped_column(unique=True)
    minted_at: Mapped[datetime | None] = mapped_column(index=True)
    reason: Mapped[str | None]  # one of verdicts.REASONS, from `ends_at` on
    ends_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_from: Mapped[str | None]

    token: Mapped[Token] = relationship(back_populates="generations")


def require_holder(token: Token, by: Account) -> None:
    if by.id != token.membership.account_id:
        raise NotAllowed(PERSONAL)


@command
def activate(token: Token, *, by: Account) -> None:
    """Make the first secret; its letter tells how to use it."""
    require_holder(token, by)
    lock(token).fire("activate", by=by, generation=1)
    _next_generation(token)
    outbox.post("token", about=token, generation=1)


@command
def reissue(token: Token, generation: int, hours: int, *, by: Account) -> None:
    """Make the next secret and end the one called `generation`: at once, or some hours later."""
    require_holder(token, by)
    if hours not in OVERLAPS:
        raise Invalid(hours="Choose at once, 1 hour or 24 hours.")
    lock(token)
    if token.generation != generation and token.state != "revoked":
        raise NotNow("This token was reissued a moment ago. Its letter is on the way.")
    token.rehearse("reissue", by=by)
    limits.count("reissue", token.id, sentence=OFTEN)
    succeed(token, now() + timedelta(hours=hours), by=by)


def succeed(token: Token, ends_at: datetime, *, by: Account) -> None:
    """Make and mail the next secret of a token that is held; older ones work till then at most."""
    token.fire("reissue", by=by, generation=token.generation + 1)
    _end(token, "superseded", ends_at)
    _next_generation(token)
    outbox.post("token_reissued", about=token, generation=token.generation)


@command
def end_old(token: Token, *, by: Account) -> None:
    """End the superseded secrets that would work a while longer."""
    require_holder(token, by)
    lock(token)
    if not token.old:
        raise NotNow("The old token has ended already.")
    for generation in token.old:
        generation.ends_at = now()
        verdicts.close([generation.id], "superseded", generation.ends_at)
    history.note(token.organization_id, by=by)


def revoke(token: Token, reason: str, *, by: Account | None) -> None:
    """End the token and all its secrets for good; called by whoever frees its seat."""
    lock(token).fire("revoke", by=by, seat_id=None)
    _end(token, reason, now())


def _next_generation(token: Token) -> None:
    made = Generation(
        token=token, number=token.generation, nonce=seals.nonce(), key_id=seals.current_key_id()
    )
    db.session.add(made)
    db.session.flush()


def _end(token: Token, reason: str, at: datetime) -> None:
    """Let every secret that still works end at this moment, or when it would end anyway."""
    moment = now()
    living = [g for g in token.generations if g.ends_at is None or g.ends_at > moment]
    for generation in living:
        generation.ends_at = min(generation.ends_at or at, at)
        generation.reason = reason
        verdicts.close([generation.id], reason, generation.ends_at)


def mint(token: Token, number: int) -> str:
    """The secret of this generation, made for its letter; from now on the gate knows it.

    Raises KeyError when the epoch's key is gone and ValueError when the key is another one.
    """
    generation = next(g for g in token.generations if g.number == number)
    if generation.nonce is None:
        raise ValueError("the nonce is wiped: reissue the token")
    secret = seals.make_secret("t", token.id, number, generation.nonce, generation.key_id)
    digest = seals.digest(secret)
    if generation.digest is None:
        generation.digest, generation.minted_at = digest, now()
        db.session.flush()
        verdicts.open_for(digest, generation.id, token.membership_id, token.organization_id)
    elif not hmac.compare_digest(generation.digest, digest):
        raise ValueError("key mismatch: the secret differs from the one mailed before")
    return secret


@command
def wipe_nonces() -> None:
    """Forget, a week after a secret was mailed, what it could be made again from."""
    old = update(Generation).where(Generation.minted_at < now() - KEEP_NONCE)
    db.session.execute(old.where(Generation.nonce.is_not(None)).values(nonce=None))


def of(membership: Membership) -> Token | None:
    """The living token of a member."""
    living = select(Token).filter_by(membership_id=membership.id)
    return db.session.scalar(living.where(Token.seat_id.is_not(None)))


@outbox.letter(LETTERS[0], about=Token)
@outbox.letter(LETTERS[1], about=Token)
def to_holder(token: Token, letter: Any) -> Made:
    """The letter with the secret; a secret that was superseded before it left is never made."""
    lock(token)
    if token.state == "revoked" or token.generation != letter.generation:
        return None
    organization, base = token.membership.organization, settings().base_url
    ending = [g.ends_at for g in token.old]
    return token.membership.account.email, {
        "name": token.membership.account.name,
        "organization": organization.name,
        "token": mint(token, letter.generation),
        "repo_url": f"{base}/repo/",
        "url": f"{base}/{organization.slug}/token",
        "at": letter.posted_at,
        "old_ends_at": ending[0] if ending else None,
    }
