"""An operator settles a bill that was paid by other means, and drops purchases nobody pays."""

from datetime import timedelta

import pytest

from workflows import gate, invoices, operators, prices, settlements, subscriptions, verdicts
from workflows.engine import history
from workflows.engine.db import command, now
from workflows.engine.refusals import NotAllowed, NotFound, NotNow

WHY = "The transfer came on Monday"


@pytest.fixture
def ada(cast):
    return cast.account("Ada")


@pytest.fixture
def bought(cast, ada):
    place = cast.organization(ada, seats=3)
    cast.deliver()
    return subscriptions.live(place)


def owe(bought, settings, days, *events):
    """So many days after what was paid is over."""
    after = bought.period_end - now() + timedelta(days=days)
    settings.clock_offset += after.total_seconds()
    for event in events:
        command(bought.fire)(event, by=None)


def settle(bought, marta):
    return operators.act(settlements.settle, bought, by=marta, why=WHY)


def test_a_bill_past_due_is_settled_for_the_time_since_its_end(cast, bought, ada, marta, settings):
    end = bought.period_end
    owe(bought, settings, 3, "fall_due")
    after = prices.later(end, "monthly")
    told = settlements.foresee(bought)

    bill = settle(bought, marta)

    assert bought.state == "active"
    assert (bought.period_start, bought.period_end) == (end, after)
    assert (bill.amount, bill.card, bill.by_id) == (bought.price * 3, settlements.MEANS, None)
    assert bill.description == f"3 seats, one month from {end:%-d %B %Y}"
    assert prices.in_words(bill.amount, bill.currency) in told[0]
    assert f"to {after:%-d %B %Y}" in told[1]
    action = history.history(bought)[-1].action
    assert (action.event, action.operator, action.why) == ("settlements.settle", True, WHY)
    [letter] = cast.deliver()
    assert (letter.to, letter.template) == (ada.email, "subscription_settled")
    assert letter.facts["invoice_number"] == bill.number


def test_who_was_suspended_pays_from_now_on_and_every_token_works_at_once(
    cast, bought, ada, marta, settings
):
    secret = cast.secret(cast.seated(bought.organization, "Bo", by=ada))
    owe(bought, settings, 20, "fall_due", "suspend")
    command(verdicts.hold)(bought.organization_id, "subscription_suspended")
    assert gate.judge(secret).reason == "subscription_suspended"

    settle(bought, marta)

    assert gate.judge(secret).passes
    assert abs(bought.period_start - now()) < timedelta(minutes=5)
    assert gate.recheck() == 0


def test_what_is_paid_is_not_settled_twice_nor_what_nobody_bought(
    cast, bought, ada, marta, settings
):
    owe(bought, settings, 1, "fall_due")
    settle(bought, marta)
    number = len(invoices.of_organization(bought.organization))

    with pytest.raises(NotNow, match="This subscription is active"):
        settle(bought, marta)
    waiting = subscriptions.begin(cast.organization(ada, "Other"), 2, "yearly", by=ada)
    with pytest.raises(NotNow, match="Nothing is owed yet"):
        settle(waiting, marta)

    assert len(invoices.of_organization(bought.organization)) == number


def test_a_purchase_that_nobody_pays_is_dropped_and_can_be_made_anew(cast, ada, marta):
    place = cast.organization(ada)
    waiting = subscriptions.begin(place, 2, "yearly", by=ada)

    operators.act(settlements.drop, waiting, by=marta, why="Nobody answers")

    assert (waiting.state, subscriptions.pending(place)) == ("canceled", None)
    assert subscriptions.begin(place, 2, "yearly", by=ada).state == "incomplete"
    with pytest.raises(NotNow):
        operators.act(settlements.drop, waiting, by=marta, why="Nobody answers")


def test_an_owner_settles_nothing_and_an_operator_says_why(bought, ada, marta, settings):
    owe(bought, settings, 1, "fall_due")

    with pytest.raises(NotFound):
        settlements.settle(bought, by=ada)
    with pytest.raises(NotAllowed):
        settlements.settle(bought, by=marta)

    assert bought.state == "past_due"
