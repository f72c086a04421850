"""Buying seats, changing their number, and the invoices, as a browser sees them."""

import re

import pytest
from answers import bare

from web import billing
from workflows import invoices, roles, seats, subscriptions
from workflows.billing.pretend import TEST_CARDS
from workflows.engine.app import bare_app
from workflows.engine.db import db, now
from workflows.engine.settings import Settings
from workflows.gate import Use, record_uses

GOOD = {"card_number": "4242 4242 4242 4242", "expiry": "12/39", "cvc": "123"}
NO_NUMBERS = {
    "-1": "Choose between 1 and 100,000 seats.",
    "0": "Choose between 1 and 100,000 seats.",
    "1000000000": "Choose between 1 and 100,000 seats.",
    "9" * 5000: "Type a whole number.",
    "1.5": "Type a whole number.",
    "10⁹": "Type a whole number.",
    "1_000": "Type a whole number.",
    "abc": "Type a whole number.",
    "": "Type a whole number.",
}


@pytest.fixture
def ann(cast, client):
    """An admin, looking."""
    ann = cast.account("Ann")
    client.sign_in(ann)
    return ann


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann)


@pytest.fixture
def purchase(acme, ann):
    """Three seats, chosen and not paid."""
    return subscriptions.begin(acme, 3, "yearly", by=ann)


@pytest.fixture
def full(cast, acme, purchase, ann):
    """Three seats bought; two of them are in use, one of those by somebody who downloads."""
    subscriptions.pay(purchase, billing.card_company().take_card(*GOOD.values()), by=ann)
    bob, cy = cast.seated(acme, "Bob", ann), cast.seated(acme, "Cy", ann)
    cast.secret(bob)
    generation = cast.letters and db.session.scalars(db.text("SELECT id FROM generations")).one()
    record_uses([Use(generation, now(), "pip/26.1, 203.0.113.24", True)])
    return bob, cy


def pay(client, purchase, **changes):
    return client.post("/acme/subscriptions/pay", data={"purchase": purchase.id, **GOOD, **changes})


def update(client, number, shown=3):
    return client.post("/acme/subscriptions/update", data={"seats": number, "shown": shown})


def test_seats_are_bought_in_three_steps(client, acme):
    assert "Purchase Subscriptions" in client.get("/acme/subscriptions").text

    chosen = client.post("/acme/subscriptions/new", data={"seats": "12", "interval": "yearly"})
    assert (chosen.status_code, chosen.location) == (303, "/acme/subscriptions/pay")
    page = client.get(chosen.location).text
    assert "$2,880.00" in page
    assert "no money moves" in page
    assert all(f"{number[:4]} {number[4:8]}" in page for number in TEST_CARDS)

    paid = pay(client, subscriptions.pending(acme))

    assert (paid.status_code, paid.location) == (303, "/acme/subscriptions")
    page = client.get("/acme/subscriptions").text
    assert "12 seats bought. Next: invite people, or assign seats" in page
    assert "Visa, ending in 4242" in page
    assert "Update Subscription" in page
    assert "Purchase Subscriptions" not in page
    assert "Cancel Subscription" in page
    assert seats.count(acme) == seats.Count(bought=12, used=0)


@pytest.mark.parametrize(("typed", "sentence"), NO_NUMBERS.items())
def test_a_number_that_is_none_is_told_at_the_field(client, acme, typed, sentence):
    data = {"seats": typed, "interval": "yearly"}
    answer = client.post("/acme/subscriptions/new", data=data)

    assert answer.status_code == 422
    assert answer.text.count(sentence) == 1
    assert "checked" in re.search(r'value="yearly".*?>', answer.text)[0]  # what was chosen stays
    assert subscriptions.pending(acme) is None


@pytest.mark.parametrize(("typed", "sentence"), NO_NUMBERS.items())
def test_the_same_when_the_number_is_changed(client, acme, full, typed, sentence):
    answer = update(client, typed)

    assert answer.status_code == 422
    assert answer.text.count(sentence) == 1
    assert seats.count(acme).bought == 3


@pytest.mark.parametrize("interval", ["", "weekly", None])
def test_monthly_or_yearly_must_be_chosen(client, acme, interval):
    data = {"seats": "3"} if interval is None else {"seats": "3", "interval": interval}
    answer = client.post("/acme/subscriptions/new", data=data)

    assert answer.status_code == 422
    assert subscriptions.pending(acme) is None


@pytest.mark.parametrize("typed", ["", "x", "1.5", "-3", "0", "100001", "9" * 400])
def test_the_total_is_shown_once_there_is_one(client, acme, typed):
    page = client.get("/acme/subscriptions/new", query_string={"seats": typed})

    assert page.status_code == 200
    assert "Choose between 1 and 100,000 seats to see the total." in page.text


def test_the_total_follows_what_is_typed(client, acme):
    page = client.get("/acme/subscriptions/new?seats=250&interval=yearly").text

    assert "$60,000.00" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"card_number": "4000000000000002"}, "The card was declined. Nothing was bought"),
        ({"card_number": "4000000000009995"}, "insufficient funds"),
        ({"card_number": "4242 4242 4242 4241"}, "This is not a card number."),
        ({"card_number": "<b>4242"}, "This is not a card number."),
        ({"card_number": ""}, "This is not a card number."),
        ({"expiry": "01/20"}, "This card has expired."),
        ({"expiry": "13/39"}, "Month and year as on the card"),
        ({"cvc": "12"}, "3 or 4 digits."),
    ],
)
def test_a_card_that_is_refused_buys_nothing(client, acme, purchase, changes, sentence):
    answer = pay(client, purchase, **changes)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert seats.count(acme).bought == 0
    assert purchase.state == "incomplete"


def test_after_a_refusal_the_expiry_is_kept_and_the_card_is_not(client, purchase):
    page = pay(client, purchase, cvc="98x").text

    assert 'value="12/39"' in page
    assert "4242 4242 4242 4242" not in re.search(r"<form.*?</form>", page, re.DOTALL)[0]
    assert "98x" not in page


def test_paying_twice_buys_once(client, acme, purchase):
    answers = [pay(client, purchase) for _ in range(2)]

    assert [answer.location for answer in answers] == ["/acme/subscriptions"] * 2
    assert seats.count(acme).bought == 3
    assert len(invoices.of_organization(acme)) == 1


def test_of_two_tabs_the_replaced_purchase_is_not_paid(client, acme, ann, purchase):
    newer = subscriptions.begin(acme, 50, "monthly", by=ann)

    answer = pay(client, purchase)

    assert answer.status_code == 409
    assert "This purchase was replaced by another one." in answer.text
    assert newer.state == "incomplete"
    assert seats.count(acme).bought == 0


def test_a_second_purchase_is_no_way_round_the_first(client, acme, full):
    answer = client.post("/acme/subscriptions/new", data={"seats": "9", "interval": "yearly"})

    assert answer.status_code == 409
    assert "There is a subscription already. Update it instead." in answer.text


def test_the_back_button_leads_to_what_is_there_now(client, acme, full):
    for page in ("new", "pay"):
        assert client.get(f"/acme/subscriptions/{page}").location == "/acme/subscriptions"


def test_the_card_page_without_a_choice_leads_to_choosing(client, acme):
    assert client.get("/acme/subscriptions/pay").location == "/acme/subscriptions/new"
    assert client.get("/acme/subscriptions/update").location == "/acme/subscriptions"
    assert update(client, 5).location == "/acme/subscriptions"


def test_a_purchase_that_was_left_can_be_continued_or_replaced(client, acme, purchase):
    page = client.get("/acme/subscriptions").text

    assert "Continue to Payment" in page
    assert "Purchase Subscriptions" in page
    assert 'value="3"' in client.get("/acme/subscriptions/new").text


def test_more_seats_are_charged_to_the_kept_card(client, acme, full):
    assert "$480.00" in client.get("/acme/subscriptions/update?seats=5").text

    answer = update(client, 5)

    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "5 seats instead of 3. The card was charged $480.00." in page
    assert "Renews on" in page
    assert "$1,200.00" in page


def test_a_kept_card_that_is_declined_changes_nothing(client, acme, purchase):
    pay(client, purchase, card_number="4000 0000 0000 0341")

    answer = update(client, 5)

    assert answer.status_code == 409
    assert "The card ending in 0341 was declined. Nothing has changed." in answer.text
    assert seats.count(acme).bought == 3
    assert len(invoices.of_organization(acme)) == 1


def test_fewer_seats_than_are_in_use_names_whom_to_free(client, full):
    bob, cy = full

    answer = update(client, 1)

    assert answer.status_code == 409
    assert answer.text.count("2 seats are in use. Free 1 of them first.") == 1
    assert f"/acme/members/{cy.id}/revoke-seat" in answer.text  # never used it; Bob did
    assert f"/acme/members/{bob.id}/revoke-seat" not in answer.text


def test_a_billing_admin_is_told_who_can_free_seats(cast, client, acme, ann, full):
    roles.make_billing_admin(full[0], by=ann)
    client.sign_in(full[0].account)

    answer = update(client, 1)

    assert answer.status_code == 409
    assert "An admin can revoke them" in answer.text
    assert "revoke-seat" not in answer.text


def test_the_same_number_again_is_no_change(client, acme, full):
    update(client, 5)

    answer = update(client, 5)

    assert answer.status_code == 409
    assert "The subscription has 5 seats already." in answer.text
    assert len(invoices.of_organization(acme)) == 2


def test_a_number_chosen_on_an_old_page_is_not_charged(client, acme, full):
    update(client, 20)

    answer = update(client, 5, shown=3)

    assert answer.status_code == 409
    assert "became 20 seats while this page was open" in answer.text
    assert seats.count(acme).bought == 20


def test_the_picture_counts_who_downloads(client, full):
    page = client.get("/acme/subscriptions").text

    assert "1 downloading" in page
    assert "1 not yet" in page
    assert "1 free" in page


def test_an_invoice_can_be_opened(client, acme, full):
    [bill] = invoices.of_organization(acme)

    page = client.get(f"/acme/subscriptions/invoices/{bill.id}").text

    assert "ACME-00001" in page
    assert "3 seats, one year" in page
    assert "$720.00" in page
    assert "Tax is not computed." in page


def test_an_invoice_of_others_is_like_one_that_never_was(cast, client, acme, full):
    eve = cast.account("Eve")
    evil = cast.organization(eve, "Evil", seats=1)
    [theirs] = invoices.of_organization(evil)

    foreign = client.get(f"/acme/subscriptions/invoices/{theirs.id}")
    missing = client.get("/acme/subscriptions/invoices/999999999")

    assert foreign.status_code == missing.status_code == 404
    assert bare(foreign) == bare(missing)


def test_a_purchase_of_others_cannot_be_paid(cast, client, acme, purchase):
    eve = cast.account("Eve")
    theirs = subscriptions.begin(cast.organization(eve, "Evil"), 2, "monthly", by=eve)

    assert pay(client, theirs).status_code == 404
    assert theirs.state == "incomplete"


ADDRESSES = [
    ("GET", ""), ("GET", "/new"), ("POST", "/new"), ("GET", "/pay"), ("POST", "/pay"),
    ("GET", "/update"), ("POST", "/update"), ("GET", "/invoices/1"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "page"), ADDRESSES)
def test_only_those_who_bill_come_in(cast, client, acme, ann, full, method, page):
    address = f"/acme/subscriptions{page}"
    answers = []
    for person in (full[1].account, cast.account("Eve")):
        client.sign_in(person)
        answers.append(client.open(address, method=method).status_code)

    assert answers == [403, 404]


def test_a_member_has_no_subscriptions_in_the_left_column(client, full):
    client.sign_in(full[1].account)

    assert "/acme/subscriptions" not in client.get("/acme/token").text


@pytest.mark.parametrize("number", TEST_CARDS)
def test_the_test_numbers_do_what_the_page_says(client, acme, purchase, number):
    works = TEST_CARDS[number].startswith("Works")

    assert pay(client, purchase, card_number=number).status_code == (303 if works else 422)


@pytest.mark.parametrize("billing", ["manual", "stripe"])
@pytest.mark.parametrize("embedded", [True, False])
def test_billing_that_is_not_there_yet_does_not_start(billing, embedded):
    with pytest.raises(SystemExit, match=f"BILLING={billing} is not there yet"):
        bare_app(Settings(embedded=embedded, billing=billing, database_url="sqlite://"))
