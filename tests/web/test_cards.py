"""Another card for the bills to come, as a browser sees it."""

import pytest

from workflows import cancellations, subscriptions
from workflows.engine.db import db

NEW = {"card_number": "5555 5555 5555 4444", "expiry": "11/38", "cvc": "123"}


@pytest.fixture
def ann(cast, client):
    ann = cast.account("Ann")
    client.sign_in(ann)
    return ann


def change(client, subscription, **changes):
    data = {"subscription": subscription.id, **NEW, **changes}
    return client.post("/acme/subscriptions/card", data=data)


def test_later_bills_go_to_the_new_card(client, acme):
    page = client.get("/acme/subscriptions/card").text
    assert "Visa card ending in 4242" in page
    assert "no money moves" in page

    answer = change(client, subscriptions.live(acme))

    assert answer.location == "/acme/subscriptions"
    assert "Mastercard, ending in 4444" in client.get("/acme/subscriptions").text
    assert "Mastercard 4444 instead of Visa 4242." in client.get("/acme/activity").text
    client.post("/acme/subscriptions/update", data={"seats": 5, "shown": 3})
    assert "Mastercard ending in 4444" in client.get("/acme/subscriptions/invoices/2").text
    assert "Visa ending in 4242" in client.get("/acme/subscriptions/invoices/1").text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"card_number": "4000000000000002"}, "The card was declined."),
        ({"expiry": "01/20"}, "This card has expired."),
        ({"cvc": "12"}, "3 or 4 digits."),
    ],
)
def test_a_card_that_is_refused_changes_nothing(client, acme, changes, sentence):
    answer = change(client, subscriptions.live(acme), **changes)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert subscriptions.live(acme).card.last4 == "4242"


def test_a_subscription_that_ended_or_is_anothers_keeps_its_card(cast, client, acme, ann):
    theirs = subscriptions.live(cast.organization(cast.account("Eve"), "Evil", seats=1))
    assert change(client, theirs).status_code == 409
    ended = subscriptions.live(acme)
    cancellations.cancel(ended, by=ann)
    ended.period_end = ended.period_start
    db.session.commit()
    cancellations.end_due()

    assert change(client, ended).status_code == 409
    assert client.get("/acme/subscriptions/card").location == "/acme/subscriptions"
    assert (theirs.card.last4, ended.card.last4) == ("4242", "4242")
