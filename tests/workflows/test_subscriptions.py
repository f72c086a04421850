"""Subscriptions: what is paid once is bought once, and what is shown is what is charged."""

from datetime import timedelta

import pytest
from people import CARD

from workflows import invoices, periods, prices, seats, subscriptions
from workflows.engine.db import now
from workflows.engine.refusals import Invalid, NotNow


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=10)


@pytest.fixture
def subscription(acme):
    return subscriptions.live(acme)


def test_paying_twice_buys_once(cast, ann):
    acme = cast.organization(ann)
    purchase = subscriptions.begin(acme, 3, "monthly", by=ann)

    bill = subscriptions.pay(purchase, CARD, by=ann)
    again = subscriptions.pay(purchase, CARD, by=ann)

    assert again == bill
    assert seats.count(acme).bought == 3
    assert len(invoices.of_organization(acme)) == 1


def test_a_purchase_that_was_replaced_cannot_be_paid(cast, ann):
    acme = cast.organization(ann)
    first = subscriptions.begin(acme, 3, "monthly", by=ann)
    subscriptions.begin(acme, 5, "yearly", by=ann)

    with pytest.raises(NotNow, match="replaced by another one"):
        subscriptions.pay(first, CARD, by=ann)

    assert seats.count(acme).bought == 0


def test_more_seats_cost_the_days_that_are_left(settings, subscription):
    days = (subscription.period_end - subscription.period_start).days
    assert periods.quote(subscription, 12) == 2 * 2000

    settings.clock_offset = timedelta(days=10, hours=1).total_seconds()

    assert periods.quote(subscription, 12) == round(2 * 2000 * (days - 10) / days)


def test_the_bill_says_what_was_charged(ann, subscription):
    bill = subscriptions.resize(subscription, 12, paid=1234, by=ann)

    assert bill.amount == 1234


def test_fewer_seats_cost_nothing_now(acme, ann, subscription):
    bill = subscriptions.resize(subscription, 4, by=ann)

    assert bill.amount == 0
    assert seats.count(acme).bought == 4


def test_a_number_chosen_on_an_old_page_changes_nothing(acme, ann, subscription):
    subscriptions.resize(subscription, 20, by=ann)

    with pytest.raises(NotNow, match="became 20 seats while this page was open"):
        subscriptions.resize(subscription, 12, shown=10, by=ann)

    assert seats.count(acme).bought == 20


def test_after_its_end_a_period_costs_nothing_more(settings, subscription):
    settings.clock_offset = (subscription.period_end - now() + timedelta(days=3)).total_seconds()

    assert periods.quote(subscription, 12) == 0


@pytest.mark.parametrize("number", [-1, 0, 100_001, 10**9])
def test_a_number_that_nobody_can_buy_is_refused(number):
    with pytest.raises(Invalid, match="Choose between 1 and 100,000 seats"):
        prices.check(number, "monthly")
