"""How a subscription ends: it works to the end of what is paid, and is kept for 30 days more."""

from datetime import timedelta

import pytest
from people import CARD

from workflows import (
    cancellations,
    closures,
    gate,
    places,
    roles,
    seats,
    subscriptions,
    tokens,
    verdicts,
    waitlist,
)
from workflows.engine import history
from workflows.engine.db import db, now
from workflows.engine.history import Action
from workflows.engine.refusals import Invalid, NotAllowed, NotNow


@pytest.fixture
def bob(cast, acme, ann):
    return cast.seated(acme, "Bob", ann)


@pytest.fixture
def secret(cast, bob):
    return cast.secret(bob)


@pytest.fixture
def subscription(acme):
    return subscriptions.live(acme)


@pytest.fixture
def later(settings):
    """Lets so much time pass; the clock comes when it is told to."""

    def pass_by(**time):
        settings.clock_offset += timedelta(**time).total_seconds()
        db.session.rollback()

    settings.clock_offset = 0.0
    return pass_by


@pytest.fixture
def at_its_end(later, subscription, ann, secret):
    """Canceled, and the end has come; the clock was here a moment later."""
    cancellations.cancel(subscription, "", by=ann)
    later(days=32)
    cancellations.end_due()


def come_again():
    while cancellations.free_some():
        pass


def buy(acme, number, ann):
    return subscriptions.pay(subscriptions.begin(acme, number, "monthly", by=ann), CARD, by=ann)


def test_what_is_canceled_works_until_the_end_of_what_is_paid(later, subscription, ann, secret):
    cancellations.cancel(subscription, "", by=ann)
    left = subscription.period_end - now()
    later(seconds=left.total_seconds() - 60)
    cancellations.end_due()

    assert subscription.state == "canceling"
    assert gate.judge(secret).passes


def test_at_its_end_all_are_refused_and_what_is_in_use_is_kept(acme, at_its_end, secret, bob):
    assert gate.judge(secret).reason == "subscription_ended"
    assert gate.judge(secret).status == 403
    assert seats.count(acme) == seats.Count(bought=1, used=1)
    assert tokens.of(bob).state == "active"
    assert subscriptions.live(acme) is None


def test_the_clock_ends_it_by_itself_and_says_why(acme, at_its_end):
    ended = subscriptions.kept(acme)
    [*_, last] = history.history(ended)

    assert (last.event, last.target) == ("end", "canceled")
    assert (last.action.by_id, last.action.why) == (None, "What was paid for is over")
    assert ended.kept_until - last.action.at == pytest.approx(
        timedelta(days=30), abs=timedelta(seconds=5)
    )


def test_whoever_resumes_in_time_goes_on(later, subscription, ann, secret):
    cancellations.cancel(subscription, "Too dear.", by=ann)
    cancellations.resume(subscription, by=ann)
    later(days=40)
    cancellations.end_due()

    assert subscription.state == "active"
    assert subscription.word is None
    assert gate.judge(secret).passes


def test_nobody_resumes_when_the_end_has_come_though_the_clock_has_not(later, subscription, ann):
    cancellations.cancel(subscription, "", by=ann)
    later(days=32)

    with pytest.raises(NotNow, match="What was paid for is over"):
        cancellations.resume(subscription, by=ann)


def test_buying_again_within_30_days_restores_all(later, acme, at_its_end, ann, secret, bob):
    later(days=29)
    come_again()
    buy(acme, 2, ann)

    assert gate.judge(secret).passes
    assert tokens.of(bob).state == "active"
    assert seats.count(acme) == seats.Count(bought=2, used=1)
    assert subscriptions.kept(acme) is None


def test_buying_again_in_the_31st_day_before_the_clock_came_restores_all_too(
    later, acme, at_its_end, ann, secret
):
    later(days=31)
    buy(acme, 1, ann)
    come_again()

    assert gate.judge(secret).passes


def test_fewer_seats_than_are_in_use_cannot_be_bought_again(cast, acme, ann, secret, later):
    cast.seated(acme, "Cy", ann)
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    later(days=32)
    cancellations.end_due()

    with pytest.raises(Invalid, match=r"2 seats are in use\. Free 1 of them first"):
        subscriptions.begin(acme, 1, "monthly", by=ann)


def test_after_30_days_seats_are_freed_and_tokens_revoked(later, acme, at_its_end, secret, bob):
    later(days=30, minutes=1)
    come_again()

    assert seats.count(acme) == seats.Count(bought=0, used=0)
    assert tokens.of(bob) is None
    assert gate.judge(secret).reason == "seat_revoked"
    assert verdicts.held(acme.id) is None
    assert bob.active


def test_after_that_seats_are_given_anew(later, acme, at_its_end, ann, secret, bob):
    later(days=30, minutes=1)
    come_again()
    buy(acme, 3, ann)
    seats.assign(bob, by=ann)

    assert gate.judge(secret).reason == "seat_revoked"
    assert tokens.of(bob).state == "inactive"


def test_many_seats_are_freed_a_few_at_a_time_in_one_action(
    monkeypatch, cast, later, acme, ann, secret
):
    for name in ("Cy", "Dee"):
        cast.seated(acme, name, ann)
    monkeypatch.setattr(cancellations, "TOGETHER", 2)
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    later(days=32)
    cancellations.end_due()
    later(days=30, minutes=1)
    come_again()

    [action] = db.session.scalars(db.select(Action).filter_by(event="cancellations.free"))
    freed = [step for step in action.steps if step.kind == "seats"]
    assert (action.by_id, action.why) == (None, "The subscription ended 30 days ago")
    assert len(freed) == 3
    assert seats.count(acme) == seats.Count(0, 0)


def test_those_in_line_wait_on_until_seats_are_bought(cast, later, acme, ann):
    people = [cast.seated(acme, name, ann) for name in ("Bob", "Cy", "Dee")]
    waiting = cast.member(acme, "Eve", ann)
    waitlist.line_up(waiting, by=ann)
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    later(days=32)
    cancellations.end_due()
    later(days=30, minutes=1)
    come_again()
    assert places.of(waiting).state == "queued"

    buy(acme, 1, ann)

    assert seats.of(waiting)
    assert not any(seats.of(one) for one in people)


def test_each_who_bills_hears_of_it_and_each_who_loses_a_seat(cast, later, acme, ann, bob):
    roles.make_billing_admin(cast.member(acme, "Cy", ann), by=ann)
    cast.deliver()

    cancellations.cancel(subscriptions.live(acme), "Too dear.", by=ann)
    told = {one.to: one for one in cast.deliver()}
    assert {to: one.template for to, one in told.items()} == dict.fromkeys(
        ["ann@acme.test", "cy@acme.test"], "subscription_canceled"
    )
    assert told["cy@acme.test"].facts["word"] == "Too dear."
    assert told["cy@acme.test"].facts["who"] == "Ann"
    cancellations.resume(subscriptions.live(acme), by=ann)
    assert [one.template for one in cast.deliver()] == ["subscription_resumed"] * 2
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    later(days=32)
    cancellations.end_due()
    ended = cast.deliver()
    assert [one.template for one in ended] == ["subscription_ended"] * 2  # no word of the cancel
    later(days=30, minutes=1)
    come_again()
    assert [(one.template, one.to) for one in cast.deliver()] == [("seat_ended", "bob@acme.test")]


def test_only_those_who_bill_cancel_and_resume(acme, subscription, ann, bob):
    with pytest.raises(NotAllowed):
        cancellations.cancel(subscription, "", by=bob.account)
    cancellations.cancel(subscription, "", by=ann)
    with pytest.raises(NotAllowed):
        cancellations.resume(subscription, by=bob.account)


def test_what_is_canceled_is_not_canceled_again_nor_changed(subscription, ann):
    cancellations.cancel(subscription, "", by=ann)

    for refused in (
        lambda: cancellations.cancel(subscription, "", by=ann),
        lambda: subscriptions.resize(subscription, 5, by=ann),
    ):
        with pytest.raises(NotNow, match="canceled, and works until the end of what is paid"):
            refused()


def test_closing_ends_what_was_kept(later, acme, at_its_end, ann, secret):
    closures.close(acme, "acme", by=ann)
    later(days=31)
    come_again()

    assert subscriptions.kept(acme) is None
    assert gate.judge(secret).reason == "organization_closed"
    assert gate.recheck() == 0


def test_a_hold_that_was_lost_or_left_behind_is_mended(later, acme, at_its_end, ann, secret):
    verdicts.release(acme.id)
    db.session.commit()
    assert gate.recheck() == 1
    assert gate.judge(secret).reason == "subscription_ended"

    buy(acme, 1, ann)
    verdicts.hold(acme.id, "subscription_ended")
    db.session.commit()
    assert gate.recheck() == 1
    assert gate.judge(secret).passes


def test_of_two_ends_the_first_frees_nothing_of_the_second(later, acme, at_its_end, ann, secret):
    """Bought again after the first end, and ended again: the 30 days begin anew."""
    buy(acme, 1, ann)
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    later(days=32)
    cancellations.end_due()
    come_again()

    assert gate.judge(secret).reason == "subscription_ended"
    assert seats.count(acme).used == 1
