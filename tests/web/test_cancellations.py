"""Canceling and resuming, as a browser sees it: what will happen, when, and the way back."""

from datetime import timedelta

import pytest

from workflows import cancellations, roles, seats, subscriptions
from workflows.engine.db import db

WORD = "We change to <b>another</b> product."


@pytest.fixture
def ann(cast, client):
    ann = cast.account("Ann")
    client.sign_in(ann)
    return ann


@pytest.fixture
def bob(cast, acme, ann):
    return cast.seated(acme, "Bob", ann)


def cancel(client, word=""):
    return client.post("/acme/subscriptions/cancel", data={"word": word})


@pytest.fixture
def ended(client, acme, ann, bob, settings):
    cancel(client)
    settings.clock_offset = timedelta(days=32).total_seconds()
    db.session.rollback()
    cancellations.end_due()
    client.sign_in(ann)


def test_the_page_that_asks_says_what_will_happen(client, acme, bob):
    page = client.get("/acme/subscriptions/cancel").text

    assert "Nothing changes until" in page
    assert "1 member has a seat now" in page
    assert "kept for 30 days" in page
    assert "Keep Subscription" in page
    assert subscriptions.live(acme).state == "active"


def test_canceling_is_shown_where_it_matters_and_can_be_taken_back(client, acme, bob):
    answer = cancel(client, WORD)

    assert (answer.status_code, answer.location) == (303, "/acme/subscriptions")
    page = client.get("/acme/subscriptions").text
    assert "Resume Subscription" in page
    assert 'data-state="canceling"' in page
    assert "&lt;b&gt;another&lt;/b&gt;" in page
    assert "The subscription is canceled." in client.get("/acme/home").text
    assert 'data-state="canceling"' in client.get("/subscriptions").text
    assert "canceled the subscription" in client.get("/acme/activity").text

    again = client.post("/acme/subscriptions/resume")

    assert again.location == "/acme/subscriptions"
    assert subscriptions.live(acme).state == "active"
    assert "The subscription is canceled." not in client.get("/acme/home").text


def test_a_word_that_is_too_long_is_told_at_the_field_and_kept(client, acme):
    answer = cancel(client, "x" * 201)

    assert answer.status_code == 422
    assert answer.text.count("This is longer than 200 characters.") == 1
    assert "x" * 201 in answer.text
    assert subscriptions.live(acme).state == "active"


def test_what_cannot_be_canceled_says_why(client, acme):
    cancel(client)

    page = client.get("/acme/subscriptions/cancel").text
    assert "The subscription is canceled, and works until the end of what is paid." in page
    assert cancel(client).status_code == 409
    client.post("/acme/subscriptions/resume")
    assert client.post("/acme/subscriptions/resume").status_code == 409


def test_without_a_subscription_there_is_nothing_to_cancel(cast, client, ann):
    cast.organization(ann)

    assert client.get("/acme/subscriptions/cancel").location == "/acme/subscriptions"
    assert cancel(client).status_code == 409


def test_after_the_end_the_way_back_is_shown(client, acme, ended, bob):
    page = client.get("/acme/subscriptions").text
    assert "The subscription has ended" in page
    assert "seat is kept until" in page
    assert "Purchase Subscriptions" in page
    assert "Cancel Subscription" not in page
    assert "All tokens are refused." in client.get("/acme/home").text
    assert "Ended. Seats in use are kept" in client.get("/subscriptions").text
    assert "all tokens work as before" in client.get("/acme/subscriptions/new").text
    client.sign_in(bob.account)
    for place in ("home", "token"):
        said = client.get(f"/acme/{place}").text
        assert "The subscription has ended. Ask an admin of your organization." in said
        assert "Your seat and your token are kept." in said


def test_fewer_than_are_kept_is_told_at_the_field(cast, client, acme, ann):
    for name in ("Bob", "Cy"):
        cast.seated(acme, name, ann)
    cancellations.cancel(subscriptions.live(acme), "", by=ann)
    ending = subscriptions.live(acme)
    ending.period_end -= timedelta(days=40)
    db.session.commit()
    cancellations.end_due()
    client.sign_in(ann)

    data = {"seats": "1", "interval": "monthly"}
    answer = client.post("/acme/subscriptions/new", data=data)

    assert answer.status_code == 422
    assert answer.text.count("2 seats are in use. Free 1 of them first.") == 1
    assert seats.count(acme).used == 2


def test_a_billing_admin_may_and_a_member_may_not(cast, client, acme, ann, bob):
    roles.make_billing_admin(cast.member(acme, "Cy", ann), by=ann)
    client.sign_in(bob.account)
    assert cancel(client).status_code == 403
    client.sign_in(cast.account("Eve"))
    assert cancel(client).status_code == 404
    assert subscriptions.live(acme).state == "active"
