"""Verdicts: what the gate will answer, written down before anybody asks.

One row for each secret that was ever mailed, kept after its end so that a superseded token is
never an unknown one; one hold for an organization whose members are all refused. Whoever changes
what the gate would answer calls this module in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from workflows.engine.db import Base, db

REASONS = ("superseded", "revoked", "seat_revoked", "member_gone")
HOLDS = ("subscription_suspended", "subscription_ended", "organization_closed")


def _one_of(words: tuple[str, ...]) -> str:
    return "reason IN ({})".format(", ".join(f"'{word}'" for word in words))


class Verdict(Base):
    __tablename__ = "verdicts"
    __table_args__ = (CheckConstraint(_one_of(REASONS), name="reason"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    generation_id: Mapped[int] = mapped_column(ForeignKey("generations.id"), unique=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    reason: Mapped[str | None]  # why it is refused, from `ends_at` on if that is set
    ends_at: Mapped[datetime | None]


class Hold(Base):
    __tablename__ = "holds"
    __table_args__ = (CheckConstraint(_one_of(HOLDS), name="reason"),)

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    reason: Mapped[str]


def open_for(digest: bytes, generation_id: int, membership_id: int, organization_id: int) -> None:
    """Let this secret pass from now on."""
    db.session.add(
        Verdict(
            digest=digest,
            generation_id=generation_id,
            membership_id=membership_id,
            organization_id=organization_id,
        )
    )


def close(generation_ids: Iterable[int], reason: str, ends_at: datetime | None = None) -> None:
    """Refuse these generations with this reason: at once, or from `ends_at` on."""
    theirs = update(Verdict).where(Verdict.generation_id.in_(list(generation_ids)))
    db.session.execute(theirs.values(reason=reason, ends_at=ends_at))


def hold(organization_id: int, reason: str) -> None:
    """Refuse everybody of this organization; each secret keeps its own verdict."""
    db.session.merge(Hold(organization_id=organization_id, reason=reason))


def held(organization_id: int) -> str | None:
    """Why everybody of this organization is refused, if they are: one of HOLDS."""
    found = db.session.get(Hold, organization_id)
    return found.reason if found else None


def release(organization_id: int) -> None:
    """Let those pass again whose own verdicts say so."""
    db.session.execute(delete(Hold).where(Hold.organization_id == organization_id))
