"""Cancellations: how a subscription ends, and what is kept of it for a while.

    active ── cancel ─▶ canceling ── end ─▶ canceled      by the clock, at the end of what is paid
       ◀───── resume ───────┘                  │ 30 days: tokens are refused, seats are kept
                                               ▼ then the clock frees them, and tokens are revoked

What would surprise a reader: buying again within the 30 days restores everything, since all that
stands in the way is one hold at the gate. Seats are freed a few at a time, in one action.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text

from workflows import licences, memberships, seat_blocks, seats, subscriptions, verdicts
from workflows.accounts import Account
from workflows.engine import cohorts, history, outbox
from workflows.engine.db import command, db, lock, now
from workflows.engine.history import Action
from workflows.engine.identity import parse_words
from workflows.engine.settings import settings
from workflows.memberships import BILLING, Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import CANCELING, KEPT, Subscription
from workflows.tokens import Token

DAYS = 30  # for which seats and tokens outlive their subscription
TOGETHER = 200  # seats that are freed in one transaction
LONGEST_WORD = 200
FREED = "cancellations.free"

Made = tuple[str, dict[str, Any]] | None


@command
def cancel(subscription: Subscription, word: str = "", *, by: Account) -> None:
    """Let it end when what is paid for is over; nothing changes until then."""
    said = parse_words(word, "word", LONGEST_WORD) or None
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    if said:
        history.because(said.rstrip("."))
    subscription.fire("cancel", by=by, word=said)
    _tell("subscription_canceled", subscription.organization)


@command
def resume(subscription: Subscription, *, by: Account) -> None:
    """Let it go on as if nothing had been said, before its end has come."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    subscription.fire("resume", by=by, word=None)
    _tell("subscription_resumed", subscription.organization)


def break_off(organization: Organization, *, by: Account) -> None:
    """End what was bought at once, and a purchase that waits; nothing is kept or paid back."""
    if bought := subscriptions.live(organization):
        lock(bought).fire("break_off", by=by)
    if unpaid := subscriptions.pending(organization):
        lock(unpaid).fire("abandon", by=by)
    subscriptions.keep_no_longer(organization)


def end_due() -> None:
    """End what was canceled and is paid for no longer, each by itself."""
    canceling = select(Subscription).where(text(f"subscriptions.{CANCELING}"))
    for one in db.session.scalars(canceling.where(Subscription.period_end <= now())).all():
        end(one)


@command
def end(subscription: Subscription) -> None:
    """Refuse all tokens, and keep them with their seats for 30 days; who bills hears of it."""
    organization, _ = lock(subscription.organization, subscription)
    assert subscription.period_end is not None
    if subscription.state != "canceling" or subscription.period_end > now():
        return  # resumed, or ended by another clock
    history.because("What was paid for is over")
    subscription.fire("end", by=None, kept_until=now() + timedelta(days=DAYS))
    verdicts.hold(organization.id, "subscription_ended")
    licences.take_free(organization.id)
    _tell("subscription_ended", organization)


def free_some() -> bool:
    """Free some seats that were kept long enough; answers whether there were any to look at."""
    due = select(Subscription).where(text(f"subscriptions.{KEPT}"))
    over = due.where(Subscription.kept_until <= now()).order_by(func.random())  # none is the last
    if one := db.session.scalar(over.limit(1)):
        free(one)
    return one is not None


@command
def free(subscription: Subscription) -> None:
    """Free the next seats that an ended subscription left, and revoke their tokens for good."""
    holders = select(Seat.membership_id).filter_by(organization_id=subscription.organization_id)
    some = holders.where(Seat.state == "taken").order_by(Seat.id).limit(TOGETHER)
    people = cohorts.hold_states(Membership, Membership.id.in_(some))
    organization, _ = lock(subscription.organization, subscription)
    if subscription.kept_until is None or subscription.kept_until > now():
        return  # bought again, or freed by another clock
    history.because(f"The subscription ended {DAYS} days ago")
    if begun := _begun(subscription):
        history.go_on(begun)
    revoked = seat_blocks.take(organization, people, "seat_revoked", by=None)
    cohorts.post("seat_ended", organization.id, dict.fromkeys(revoked, 0))
    licences.take_free(organization.id)
    if len(people) < TOGETHER and not seats.count(organization).used:
        subscriptions.keep_no_longer(organization)


def _begun(subscription: Subscription) -> Action | None:
    """The action in which the first seats of it were freed."""
    mine = select(Action).filter_by(organization_id=subscription.organization_id, event=FREED)
    since = mine.where(Action.by_id.is_(None), Action.at >= subscription.kept_until)
    return db.session.scalar(since.order_by(Action.id.desc()).limit(1))


def _tell(template: str, organization: Organization) -> None:
    """Write to everybody who looks after the bill."""
    cohorts.post(template, organization.id, dict.fromkeys(_billers(organization), 0))


def _billers(organization: Organization) -> list[int]:
    mine = select(Membership.id).filter_by(organization_id=organization.id)
    bill = mine.where(Membership.state.in_(BILLING.who)).order_by(Membership.id)
    return list(db.session.scalars(bill))


@outbox.letter("subscription_canceled", about=Membership, rationed=True)
def to_biller(member: Membership, _: Any) -> Made:
    subscription = subscriptions.live(member.organization)
    if subscription is None or subscription.state != "canceling" or not _bills(member):
        return None
    until = subscription.period_end
    assert until is not None
    word, who = subscription.word or "", _who(subscription, "cancel")
    when = {"until": until, "freed_at": until + timedelta(days=DAYS)}
    return member.account.email, {**_facts(member), **when, "who": who, "word": word}


@outbox.letter("subscription_resumed", about=Membership, rationed=True)
def to_biller_again(member: Membership, _: Any) -> Made:
    subscription = subscriptions.live(member.organization)
    if subscription is None or subscription.state != "active" or not _bills(member):
        return None
    who = _who(subscription, "resume")
    return member.account.email, {**_facts(member), "until": subscription.period_end, "who": who}


@outbox.letter("subscription_ended", about=Membership, rationed=True)
def to_biller_at_the_end(member: Membership, _: Any) -> Made:
    """Who has bought again meanwhile needs no word of the end."""
    ended = subscriptions.kept(member.organization)
    if ended is None or not _bills(member):
        return None
    used = seats.count(member.organization).used
    return member.account.email, {**_facts(member), "freed_at": ended.kept_until, "used": used}


def _bills(member: Membership) -> bool:
    return member.state in BILLING.who


def _who(subscription: Subscription, event: str) -> str:
    """Who did this last, by name; what operators do they do without one."""
    action = [step.action for step in history.history(subscription) if step.event == event][-1]
    return "An operator" if action.operator else str(action.by.name)


def _facts(member: Membership) -> dict[str, Any]:
    organization = member.organization
    url = f"{settings().base_url}/{organization.slug}/subscriptions"
    return {"name": member.account.name, "organization": organization.name, "url": url}


@outbox.letter("seat_ended", about=Token, rationed=True)
def to_unseated(token: Token, _: Any) -> Made:
    """The seat is gone for good, and with it the token."""
    member = token.membership
    if not member.active or member.organization.state == "closed":
        return None
    return member.account.email, {
        "name": member.account.name, "organization": member.organization.name, "days": DAYS,
    }  # fmt: skip
