"""A bill that the card did not pay, as whoever bills and whoever holds a seat see it."""

from datetime import timedelta

import pytest

from workers import billing
from workflows import cards, subscriptions
from workflows.billing import Card
from workflows.engine.db import db, now

GOOD = {"card_number": "5555 5555 5555 4444", "expiry": "11/38", "cvc": "123"}


@pytest.fixture
def ann(cast, client):
    ann = cast.account("Ann")
    client.sign_in(ann)
    return ann


@pytest.fixture
def bob(cast, acme, ann):
    bob = cast.seated(acme, "Bob", ann)
    cast.secret(bob)
    return bob


@pytest.fixture
def subscription(acme):
    return subscriptions.live(acme)


@pytest.fixture
def past_due(subscription, ann):
    """It was declined a moment ago."""
    cards.change(subscription, Card("Visa", "0341", "12/2039"), by=ann)
    subscription.period_end = now()
    db.session.commit()
    billing.charge_due()


@pytest.fixture
def suspended(bob, subscription, past_due):
    subscription.since -= timedelta(days=14)
    subscription.try_at = now()
    db.session.commit()
    billing.charge_due()


def page(client):
    return client.get("/acme/subscriptions").text


def test_a_bill_that_is_open_says_what_happens_when_and_offers_to_pay(client, past_due):
    said = page(client)

    assert "A bill is open" in said
    assert ">Pay Now</button>" in said
    assert "Visa 0341 was declined." in said
    assert "the card is charged again on" in said
    assert "All tokens work until" in said
    assert "Visa 0341 was declined." in client.get("/acme/activity").text
    assert "Renews on" not in said
    assert "A bill is open." in client.get("/acme/home").text


def test_changing_the_card_says_that_it_pays_nothing_and_pay_now_does(
    client, subscription, past_due
):
    shown = client.get("/acme/subscriptions/card").text
    assert "“Pay Now” charges it to the new card." in shown
    client.post("/acme/subscriptions/card", data={"subscription": subscription.id, **GOOD})
    assert "Nothing was charged: Pay Now charges it for the open bill." in page(client)
    assert subscription.state == "past_due"

    answer = client.post("/acme/subscriptions/pay-now")

    assert answer.location == "/acme/subscriptions"
    assert "Everything goes on." in page(client)
    assert "Renews on" in page(client)
    assert "Mastercard ending in 4444" in client.get("/acme/subscriptions/invoices/2").text
    assert client.post("/acme/subscriptions/pay-now").status_code == 409


def test_a_card_that_is_declined_again_leaves_the_bill_open(client, subscription, past_due):
    answer = client.post("/acme/subscriptions/pay-now")

    assert answer.status_code == 409
    assert "The card ending in 0341 was declined." in answer.text
    assert 'href="/acme/subscriptions/card">Change Card' in answer.text
    assert page(client).count("Visa 0341 was declined.") == 2


def test_who_holds_a_seat_of_a_suspended_one_hears_why_and_that_nothing_is_lost(
    client, bob, subscription, suspended
):
    assert "All tokens have been refused since" in page(client)
    assert "The subscription is suspended." in client.get("/acme/home").text
    client.sign_in(bob.account)

    for place in ("home", "token"):
        said = client.get(f"/acme/{place}").text
        assert "The subscription is suspended until it is paid." in said
        assert "Your seat and your token are kept." in said
    assert client.post("/acme/subscriptions/pay-now").status_code == 403


def test_a_suspended_one_is_canceled_at_once_and_the_page_says_so(client, subscription, suspended):
    assert "all tokens stop at once" in page(client)
    assert "so it ends at once" in client.get("/acme/subscriptions/cancel").text

    client.post("/acme/subscriptions/cancel", data={"word": ""})

    assert "The subscription has ended." in page(client)
    assert "Purchase Subscriptions" in page(client)


def test_a_bill_that_is_due_this_moment_is_not_said_to_renew_in_the_past(client, subscription):
    subscription.period_end = now()
    db.session.commit()

    assert "is charged to the card in a moment" in page(client)
