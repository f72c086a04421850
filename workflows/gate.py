"""The gate: may this secret pass, and if not, why. One indexed row decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, true

from workflows import verdicts
from workflows.engine import history, seals
from workflows.engine.db import command, db, lock, now
from workflows.organizations import Organization
from workflows.subscriptions import Subscription
from workflows.tokens import Generation, Token
from workflows.verdicts import HOLDS, Hold, Verdict

SENTENCES = {
    "missing": "A token is needed. It is in the letter you got when you activated it.",
    "malformed": "This is not a whole token. Copy all 48 characters from the letter.",
    "unknown": "This token is not known here.",
    "superseded": "This token was reissued. Use the newer one from your mail.",
    "revoked": "This token was revoked.",
    "seat_revoked": "The seat of this token was revoked. Ask an admin of your organization.",
    "member_gone": "The holder of this token is not a member any more.",
    "subscription_suspended": "The subscription is suspended until it is paid. Tell an admin.",
    "subscription_ended": "The subscription has ended. Ask an admin of your organization.",
    "organization_closed": "The organization was closed.",
}


JUDGED = (
    Verdict.reason,
    Verdict.ends_at,
    Hold.reason,
    Verdict.generation_id,
    Verdict.membership_id,
    Verdict.organization_id,
)


@dataclass(frozen=True)
class Judgement:
    """The gate's answer. `status` is 204, 401 or 403; `reason` is None when it passes."""

    reason: str | None
    generation_id: int | None = None
    membership_id: int | None = None
    organization_id: int | None = None

    @property
    def passes(self) -> bool:
        return self.reason is None

    @property
    def status(self) -> int:
        if self.passes:
            return 204
        return 403 if self.reason in HOLDS else 401


@dataclass(frozen=True)
class Use:
    """One download or look, as the gate saw it."""

    generation_id: int
    at: datetime
    where: str  # the client and its address, for the holder's eyes
    downloaded: bool


def judge(secret: str | None) -> Judgement:
    """May whoever holds this secret pass now?"""
    if not secret:
        return Judgement("missing")
    if not seals.well_formed(secret):
        return Judgement("malformed")
    row = db.session.execute(
        select(*JUDGED)
        .outerjoin(Hold, Hold.organization_id == Verdict.organization_id)
        .where(Verdict.digest == seals.digest(secret))
    ).one_or_none()
    if row is None:
        return Judgement("unknown")
    reason, ends_at, held, *ids = row
    if held == "organization_closed":  # whatever else may be true of the secret
        return Judgement(held, *ids)
    ended = reason and (ends_at is None or ends_at <= now())
    return Judgement(reason if ended else held, *ids)


@command
def record_uses(uses: Sequence[Use]) -> None:
    """Write down when and from where tokens were last used, and first downloads, in one go.

    Batches of several processes may come in any order: a moment only ever moves forward.
    """
    newest = {use.generation_id: use for use in sorted(uses, key=lambda use: use.at)}
    first = {u.generation_id: u for u in sorted(uses, key=_downloads_by_age) if u.downloaded}
    known = select(Generation).where(Generation.id.in_(newest)).order_by(Generation.token_id)
    for generation in db.session.scalars(known).all():
        use, token = newest[generation.id], lock(generation.token)
        db.session.refresh(generation)
        token.last_used_at = max(use.at, token.last_used_at or use.at)
        if generation.last_used_at is None or generation.last_used_at <= use.at:
            generation.last_used_at, generation.last_used_from = use.at, use.where[:120]
        if (download := first.get(generation.id)) and token.first_download_at is None:
            token.first_download_at = download.at
            history.moved("tokens", token.id)
        db.session.flush()


def _downloads_by_age(use: Use) -> float:
    """Newest first, so that the oldest is what a dictionary keeps."""
    return -use.at.timestamp()


def recheck() -> int:
    """Work out every verdict anew from the tables; answers how many had to be mended."""
    suspects = (
        select(Generation)
        .join(Token, Token.id == Generation.token_id)
        .outerjoin(Verdict, Verdict.digest == Generation.digest)
        .where(Generation.digest.is_not(None))
        .where(
            or_(
                Verdict.digest.is_(None),
                Verdict.generation_id != Generation.id,
                Verdict.membership_id != Token.membership_id,
                Verdict.reason.is_distinct_from(Generation.reason),
                Verdict.ends_at.is_distinct_from(Generation.ends_at),
            )
        )
    )
    found = db.session.scalars(suspects).all()
    return sum(_mend(generation) for generation in found) + _mend_holds()


@command
def _mend(generation: Generation) -> bool:
    """Look again with the token held: it may have been moved since it was suspected."""
    token = lock(generation.token)
    db.session.refresh(generation)
    verdict = db.session.get(Verdict, generation.digest, populate_existing=True)
    right = {
        "generation_id": generation.id, "membership_id": token.membership_id,
        "organization_id": token.organization_id,
        "reason": generation.reason, "ends_at": generation.ends_at,
    }  # fmt: skip
    wrong = verdict is None or any(getattr(verdict, name) != right[name] for name in right)
    if wrong:
        db.session.merge(Verdict(digest=generation.digest, **right))
    return wrong


def _mend_holds() -> int:
    right = dict(_holds())
    there = {hold.organization_id: hold.reason for hold in db.session.scalars(select(Hold))}
    suspects = {place for place, _ in set(right.items()) ^ set(there.items())}
    return sum(_mend_hold(db.session.get_one(Organization, one)) for one in sorted(suspects))


@command
def _mend_hold(organization: Organization) -> bool:
    """Look again with the organization held, as everybody does who changes what holds it."""
    lock(organization)
    right = dict(_holds(organization.id)).get(organization.id)
    wrong = verdicts.held(organization.id) != right
    if wrong and right:
        verdicts.hold(organization.id, right)
    elif wrong:
        verdicts.release(organization.id)
    return wrong


def _holds(only: int | None = None) -> Any:
    """Organizations whose members are all refused, and why; all of them, or one."""
    place = Subscription.organization_id
    suspended = select(place).where(Subscription.state == "suspended", _is(place, only))
    yield from ((found, "subscription_suspended") for found in db.session.scalars(suspended))
    ended = select(place).where(Subscription.kept_until.is_not(None), _is(place, only))
    yield from ((found, "subscription_ended") for found in db.session.scalars(ended))
    closed = select(Organization.id).filter_by(state="closed").where(_is(Organization.id, only))
    yield from ((found, "organization_closed") for found in db.session.scalars(closed))


def _is(column: Any, only: int | None) -> Any:
    return true() if only is None else column == only
