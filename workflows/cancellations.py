"""Cancellations: how a subscription ends, and what is kept of it for a while.

    active ── cancel ─▶ canceling ── end ─▶ canceled      by the clock, at the end of what is paid
       ◀───── resume ───────┘                  │ 30 days: tokens are refused, seats are kept
    past_due, suspended: `end` at once         ▼ then the clock frees them, and tokens are revoked

What would surprise a reader: buying again within the 30 days restores everything, since all that
stands in the way is one hold at the gate. Seats are freed a few at a time, in one action.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text

from workflows import billers, licences, memberships, seat_blocks, seats, subscriptions, verdicts
from workflows.accounts import Account
from workflows.engine import cohorts, history, outbox
from workflows.engine.db import command, db, lock, now
from workflows.engine.history import Action
from workflows.engine.identity import parse_words
from workflows.engine.register import Made
from workflows.memberships import Membership
from workflows.organizations import Organization
from workflows.seats import Seat
from workflows.subscriptions import CANCELING, KEPT, OWED, Subscription
from workflows.tokens import Token

DAYS = 30  # for which seats and tokens outlive their subscription
TOGETHER = 200  # seats that are freed in one transaction
LONGEST_WORD = 200
FREED = "cancellations.free"


@command
def cancel(subscription: Subscription, word: str = "", *, by: Account) -> None:
    """Let it end when what is paid for is over, at once where that is owed; until then it works."""
    said = parse_words(word, "word", LONGEST_WORD) or None
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    if said:
        history.because(said.rstrip("."))
    if subscription.state in OWED:
        _end(subscription, by=by, word=said)
    else:
        subscription.fire("cancel", by=by, word=said)
        billers.tell("subscription_canceled", subscription.organization)


def may_cancel(subscription: Subscription) -> None:
    """The rule behind Cancel Subscription."""
    subscription.rehearse("end" if subscription.state in OWED else "cancel", by=None)


@command
def resume(subscription: Subscription, *, by: Account) -> None:
    """Let it go on as if nothing had been said, before its end has come."""
    lock(subscription.organization, subscription)
    memberships.require_billing(by, subscription.organization)
    subscription.fire("resume", by=by, word=None)
    billers.tell("subscription_resumed", subscription.organization)


def break_off(organization: Organization, *, by: Account) -> None:
    """End what was bought at once, and a purchase that waits; nothing is kept or paid back."""
    if bought := subscriptions.live(organization):
        lock(bought).fire("break_off", by=by, try_at=None)
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
    lock(subscription.organization, subscription)
    assert subscription.period_end is not None
    if subscription.state != "canceling" or subscription.period_end > now():
        return  # resumed, or ended by another clock
    history.because("What was paid for is over")
    _end(subscription, by=None)


def _end(subscription: Subscription, *, by: Account | None, **changes: Any) -> None:
    until = now() + timedelta(days=DAYS)
    subscription.fire("end", by=by, kept_until=until, try_at=None, **changes)
    verdicts.hold(subscription.organization_id, "subscription_ended")
    licences.take_free(subscription.organization_id)
    billers.tell("subscription_ended", subscription.organization)


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


@outbox.letter("subscription_canceled", about=Membership, rationed=True)
def to_biller(member: Membership, _: Any) -> Made:
    subscription = subscriptions.live(member.organization)
    if subscription is None or subscription.state != "canceling":
        return None
    until = subscription.period_end
    assert until is not None
    word, who = subscription.word or "", _who(subscription, "cancel")
    when = {"until": until, "freed_at": until + timedelta(days=DAYS)}
    return billers.letter_to(member, **when, who=who, word=word)


@outbox.letter("subscription_resumed", about=Membership, rationed=True)
def to_biller_again(member: Membership, _: Any) -> Made:
    subscription = subscriptions.live(member.organization)
    if subscription is None or subscription.state != "active":
        return None
    who = _who(subscription, "resume")
    return billers.letter_to(member, until=subscription.period_end, who=who)


@outbox.letter("subscription_ended", about=Membership, rationed=True)
def to_biller_at_the_end(member: Membership, _: Any) -> Made:
    """Who has bought again meanwhile needs no word of the end."""
    ended = subscriptions.kept(member.organization)
    if ended is None:
        return None
    used = seats.count(member.organization).used
    return billers.letter_to(member, freed_at=ended.kept_until, used=used)


def _who(subscription: Subscription, event: str) -> str:
    """Who did this last, by name; what operators do they do without one."""
    action = [step.action for step in history.history(subscription) if step.event == event][-1]
    return "An operator" if action.operator else str(action.by.name)


@outbox.letter("seat_ended", about=Token, rationed=True)
def to_unseated(token: Token, _: Any) -> Made:
    """The seat is gone for good, and with it the token."""
    member = token.membership
    if not member.active or member.organization.state == "closed":
        return None
    return member.account.email, {
        "name": member.account.name, "organization": member.organization.name, "days": DAYS,
    }  # fmt: skip
