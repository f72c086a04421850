"""Subscriptions renew by the clock; what the card does not pay is tried again, then suspended."""

from datetime import UTC, datetime, timedelta

import pytest
from people import CARD

from workers import billing
from workflows import (
    cancellations,
    cards,
    closures,
    gate,
    invoices,
    operators,
    periods,
    prices,
    renewals,
    roles,
    seats,
    settlements,
    subscriptions,
)
from workflows.billing import Card, Declined
from workflows.billing.companies import card_company
from workflows.billing.pretend import PretendPayment
from workflows.engine import history
from workflows.engine.db import command, db, now
from workflows.engine.refusals import NotAllowed, NotNow
from workflows.tokens import Token

BAD = Card("Visa", "0341", "12/2039")  # declined whenever it is charged


@pytest.fixture
def subscription(acme):
    return subscriptions.live(acme)


@pytest.fixture
def secret(cast, acme, ann):
    return cast.secret(cast.seated(acme, "Bob", ann))


@pytest.fixture
def comes(settings):
    """The clock comes so long after a moment, such as the end of what is paid."""

    def come(after, **time):
        settings.clock_offset += (after - now() + timedelta(**time)).total_seconds() + 1
        db.session.rollback()
        billing.charge_due()

    settings.clock_offset = 0.0
    return come


@pytest.fixture
def past_due(comes, subscription, ann):
    """The card was declined at the end of what is paid; answers when."""
    cards.change(subscription, BAD, by=ann)
    comes(subscription.period_end)
    return subscription.since


@pytest.fixture
def suspended(comes, secret, past_due):
    comes(past_due, days=14)


def pay(subscription, by):
    renewals.collect(subscription, card_company(), by=by)


def bills(acme):
    return [(bill.amount, bill.description, bill.card) for bill in invoices.of_organization(acme)]


def taken():
    """What the card company has taken since the purchase, which takes nothing by itself."""
    return [one.amount for one in db.session.scalars(db.select(PretendPayment))]


def test_at_its_end_the_card_pays_the_next_period(cast, comes, acme, subscription, secret):
    end = subscription.period_end
    comes(end, seconds=-60)
    assert taken() == []

    comes(end)
    comes(end, hours=1)

    assert (subscription.state, taken()) == ("active", [6000])
    after = prices.later(end, "monthly", subscription.billing_day)
    assert (subscription.period_start, subscription.period_end) == (end, after)
    paid_for = f"3 seats, one month from {end:%-d %B %Y}"
    assert bills(acme)[0] == (6000, paid_for, "Visa ending in 4242")
    step = history.history(subscription)[-1]
    assert (step.event, step.action.by, step.action.why) == ("renew", None, "Visa 4242 paid $60.00")
    [letter] = cast.deliver()
    assert (letter.template, letter.to) == ("subscription_renewed", "ann@acme.test")
    assert gate.judge(secret).passes


def test_the_31st_stays_the_31st():
    moments = [datetime(2027, 1, 31, tzinfo=UTC)]
    for _ in range(4):
        moments.append(prices.later(moments[-1], "monthly", 31))

    assert [moment.day for moment in moments] == [31, 28, 31, 30, 31]


def test_fewer_seats_cost_less_from_the_next_bill_on(comes, subscription, ann):
    subscriptions.resize(subscription, 1, by=ann)
    comes(subscription.period_end)

    assert taken() == [2000]


def test_a_process_lost_between_the_charge_and_its_record_charges_once(
    monkeypatch, comes, acme, subscription
):
    end = subscription.period_end
    with monkeypatch.context() as patch:
        patch.setattr(renewals, "renew", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            comes(end)
    comes(end, seconds=20)
    assert subscription.period_end == end  # that process may live, and be waiting for the company

    comes(end, minutes=2)

    assert taken() == [6000]
    assert len(bills(acme)) == 2
    assert subscription.period_end > now()


def test_of_two_clocks_the_second_charges_nothing(comes, settings, acme, subscription):
    settings.clock_offset += (subscription.period_end - now()).total_seconds() + 1
    first = renewals.ask(subscription, by=None)
    assert renewals.ask(subscription, by=None) is None

    settings.clock_offset += 120  # the first is slow, and the second takes it for lost
    second = renewals.ask(subscription, by=None)
    for bill in (second, first):
        payment = card_company().charge(bill.card, bill.amount, bill.currency, bill.key)
        renewals.renew(subscription, bill, payment, by=None)

    assert first.key == second.key
    assert taken() == [6000]
    assert len(bills(acme)) == 2


def test_while_the_card_is_asked_nothing_else_moves_it(comes, settings, acme, subscription, ann):
    settings.clock_offset += (subscription.period_end - now()).total_seconds() + 1
    renewals.ask(subscription, by=None)

    for deed in (
        lambda: cancellations.cancel(subscription, by=ann),
        lambda: subscriptions.may_resize(subscription, 5),
        lambda: closures.close(acme, "acme", by=ann),
    ):
        with pytest.raises(NotNow, match="The card is being charged for the next period"):
            deed()


def test_months_without_a_clock_are_one_bill_that_begins_now(comes, acme, subscription):
    comes(subscription.period_end, days=100)
    comes(now())

    assert taken() == [6000]
    assert abs(subscription.period_start - now()) < timedelta(minutes=1)
    assert subscription.billing_day == subscription.period_start.day


def test_days_without_a_clock_move_no_period(comes, subscription):
    end = subscription.period_end
    comes(end, days=20)

    assert subscription.period_start == end


def test_what_is_canceled_or_closed_is_not_charged(cast, comes, acme, subscription, ann):
    cancellations.cancel(subscription, by=ann)
    other = cast.organization(ann, "Other", seats=1)
    closures.close(other, "other", by=ann)
    comes(subscription.period_end, days=2)

    assert taken() == []
    assert subscription.state == "canceling"


def test_a_card_that_is_declined_makes_it_past_due_and_tokens_work_on(
    cast, acme, ann, subscription, secret, past_due
):
    roles.make_billing_admin(cast.member(acme, "Cy", ann), by=ann)

    assert (subscription.state, taken(), len(bills(acme))) == ("past_due", [], 1)
    assert subscription.try_at == past_due + timedelta(days=3.5)
    assert gate.judge(secret).passes
    action = history.history(subscription)[-1].action
    assert (action.by, action.why) == (None, "Visa 0341 was declined")
    [letter] = [one for one in cast.deliver() if one.template == "subscription_past_due"]
    assert letter.to == "ann@acme.test"
    assert letter.facts["until"] == past_due + timedelta(days=14)
    assert letter.facts["amount"] == "$60.00"


def test_it_is_tried_at_each_quarter_of_the_days_of_grace(comes, subscription, past_due):
    for days in (2, 3.5, 5, 7, 9, 10.5, 13.9):
        comes(past_due, days=days)
    assert len(renewals.declined(subscription)) == 4
    assert subscription.state == "past_due"

    comes(past_due, days=14)

    assert len(renewals.declined(subscription)) == 5
    assert (subscription.state, subscription.try_at) == ("suspended", None)


def test_a_try_that_works_settles_it_from_the_end_of_what_was_paid(
    comes, acme, ann, subscription, past_due
):
    end = subscription.period_end
    cards.change(subscription, CARD, by=ann)
    comes(past_due, days=3.5)

    assert (subscription.state, subscription.try_at) == ("active", None)
    assert subscription.period_start == end
    assert taken() == [6000]


def test_suspended_all_tokens_are_refused_and_kept(cast, comes, acme, secret, suspended):
    subscription = subscriptions.live(acme)
    assert gate.judge(secret).reason == "subscription_suspended"
    assert seats.count(acme) == seats.Count(bought=3, used=1)
    assert db.session.scalars(db.select(Token.state)).all() == ["active"]
    assert cast.deliver()[-1].template == "subscription_suspended"
    assert gate.recheck() == 0

    comes(now(), days=200)

    assert (subscription.state, taken()) == ("suspended", [])


def test_paying_restores_all_from_now_on(cast, acme, ann, secret, suspended):
    subscription = subscriptions.live(acme)
    with pytest.raises(Declined):
        pay(subscription, ann)
    cards.change(subscription, CARD, by=ann)
    assert gate.judge(secret).reason == "subscription_suspended"

    pay(subscription, ann)

    assert gate.judge(secret).passes
    assert gate.recheck() == 0
    assert abs(subscription.period_start - now()) < timedelta(minutes=1)
    assert invoices.of_organization(acme)[0].by_id == ann.id
    assert [one.template for one in cast.deliver()] == ["subscription_renewed"]  # and no more
    with pytest.raises(NotNow, match="Nothing is owed"):
        pay(subscription, ann)


def test_only_who_bills_pays(cast, acme, ann, subscription, past_due):
    with pytest.raises(NotAllowed):
        pay(subscription, cast.member(acme, "Dee", ann).account)


def test_pay_now_that_was_lost_on_its_way_is_finished_by_the_clock(
    comes, settings, acme, ann, subscription, secret, suspended
):
    cards.change(subscription, CARD, by=ann)
    renewals.ask(subscription, by=ann)
    with pytest.raises(NotNow, match="is being charged"):
        pay(subscription, ann)

    comes(now(), minutes=2)

    assert (subscription.state, taken()) == ("active", [6000])
    assert gate.judge(secret).passes


def test_without_days_of_grace_it_is_suspended_at_once(settings, comes, ann, subscription, secret):
    settings.grace_days = 0
    cards.change(subscription, BAD, by=ann)
    comes(subscription.period_end)

    assert subscription.state == "suspended"
    assert gate.judge(secret).reason == "subscription_suspended"


def test_what_an_operator_marks_as_paid_is_not_charged(cast, comes, ann, subscription, past_due):
    marta = operators.make_operator(cast.account("Marta").email)
    cards.change(subscription, CARD, by=ann)
    operators.act(settlements.settle, subscription, by=marta, why="The transfer came")
    comes(past_due, days=10)

    assert taken() == []
    comes(subscription.period_end)
    assert taken() == [6000]


def test_what_is_owed_may_be_dropped_and_what_is_in_use_is_kept(acme, ann, secret, suspended):
    subscription = subscriptions.live(acme)

    cancellations.cancel(subscription, "Too dear", by=ann)

    assert (subscription.state, subscriptions.live(acme)) == ("canceled", None)
    assert gate.judge(secret).reason == "subscription_ended"
    assert subscriptions.kept(acme) == subscription
    subscriptions.pay(subscriptions.begin(acme, 1, "monthly", by=ann), CARD, by=ann)
    assert gate.judge(secret).passes


def test_the_same_change_of_seats_sent_twice_is_charged_once(acme, ann, subscription):
    company, amount = card_company(), periods.quote(subscription, 5)

    for _ in range(2):
        company.charge(subscription.card, amount, "USD", "the same form")

    assert taken() == [4000]


def test_no_card_is_charged_inside_a_command(subscription):
    with pytest.raises(RuntimeError, match="outside of commands"):
        command(lambda: card_company().charge(CARD, 1, "USD", "a key"))()
