"""An unlocked computer is not enough for great deeds: the password is asked for once more."""

import re
from html import unescape

import pytest
from people import PASSWORD

from workflows import seats, sessions, subscriptions, tokens
from workflows.engine.db import db
from workflows.sessions import Session

FIELDS = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
def bob(cast, acme, ann):
    return cast.member(acme, "Bob", ann)


@pytest.fixture
def stale(client, settings, ann):
    """A browser in which Ann logged in a while ago."""
    client.sign_in(ann)
    settings.clock_offset += 11 * 60
    return client


def again(client, answer, password=PASSWORD):
    """Type the password into the page that asks, and send what it holds."""
    form = {name: unescape(value) for name, value in FIELDS.findall(answer.text)}
    path = re.search(r'class="u-card u-pad u-form" method="post" action="([^"]+)"', answer.text)[1]
    return client.post(path, data={**form, "proof": password})


def deeds(bob):
    """Each guarded form: its address, its fields, and what the page says will happen."""
    at = f"/acme/members/{bob.id}"
    return {
        f"{at}/make-admin": ({}, "Bob gets administrative and billing control of “Acme”."),
        f"{at}/make-billing-admin": ({}, "Bob gets billing control of “Acme”, and nothing else."),
        f"{at}/remove": ({}, "Bob is removed from “Acme”. Seat and token go at once."),
        "/acme/subscriptions/update": (
            {"seats": "7", "shown": "3"},
            "“Acme” has 7 seats from now on.",
        ),
    }


def test_a_fresh_log_in_is_asked_nothing(client, ann, bob):
    client.sign_in(ann)

    assert client.post(f"/acme/members/{bob.id}/make-admin").status_code == 303
    assert bob.state == "admin"


@pytest.mark.parametrize("number", range(4))
def test_a_great_deed_asks_for_the_password_says_what_it_is_and_goes_on(stale, bob, number):
    path, (form, sentence) = list(deeds(bob).items())[number]

    asked = stale.post(path, data=form)
    before = bob.state, subscriptions.live(bob.organization).seats
    done = again(stale, asked)

    assert asked.status_code == 403
    assert sentence in asked.text
    assert before == ("member", 3)
    assert done.status_code == 303
    assert (bob.state, subscriptions.live(bob.organization).seats) != before


def test_a_wrong_password_does_nothing_and_keeps_what_was_typed(stale, acme, bob):
    asked = stale.post("/acme/subscriptions/update", data={"seats": "7", "shown": "3"})

    wrong = again(stale, asked, "not the password")
    right = again(stale, wrong)

    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    assert "not the password" not in wrong.text
    assert right.status_code == 303
    assert subscriptions.live(acme).seats == 7


def test_typing_it_once_is_enough_for_a_while_and_renews_the_session(stale, ann, bob):
    with stale.session_transaction() as cookie:
        before = cookie["sid"]

    again(stale, stale.post(f"/acme/members/{bob.id}/make-admin"))
    other = stale.post(f"/acme/members/{bob.id}/make-member")

    with stale.session_transaction() as cookie:
        after = cookie["sid"]
    assert other.status_code == 303
    assert bob.state == "member"
    assert sessions.session_of(before) is None
    assert sessions.session_of(after).account == ann


def test_a_copy_of_the_cookie_is_not_proved_by_the_password_that_the_owner_types(ann):
    stolen = sessions.open_session(ann)
    there = sessions.session_of(stolen)  # a request of the thief has come as far as this

    own = sessions.prove(sessions.session_of(stolen))

    assert not sessions.is_fresh(there, stolen)
    assert sessions.is_fresh(there, own)


def test_passwords_typed_there_are_guesses_and_are_limited(stale, bob):
    asked = stale.post(f"/acme/members/{bob.id}/make-admin")
    answers = [again(stale, asked, "not the password").status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]
    assert bob.state == "member"


def test_a_token_is_reissued_as_it_was_wished(client, settings, cast, acme, ann, bob):
    seats.assign(bob, by=ann)
    cast.secret(bob)
    client.sign_in(bob.account)
    settings.clock_offset += 11 * 60

    asked = client.post("/acme/token/reissue", data={"generation": "1", "hours": "24"})
    assert tokens.of(bob).generation == 1
    again(client, asked)

    assert tokens.of(bob).generation == 2
    assert len(tokens.of(bob).old) == 1


def test_a_card_number_is_never_written_into_the_page_that_asks(client, settings, cast, ann):
    cast.organization(ann, "Fresh")
    client.sign_in(ann)
    client.post("/fresh/subscriptions/new", data={"seats": "2", "interval": "monthly"})
    settings.clock_offset += 11 * 60
    card = {"card_number": "4242424242424242", "expiry": "12/39", "cvc": "123"}

    asked = client.post("/fresh/subscriptions/pay", data={"purchase": "2", **card})
    shown = again(client, asked)

    assert asked.status_code == 403
    assert "4242" not in asked.text
    assert (shown.status_code, shown.location) == (303, "/fresh/subscriptions/pay")
    assert client.get("/fresh/subscriptions/pay").status_code == 200


def test_whoever_may_not_learns_nothing_from_being_asked(stale, cast, ann, bob):
    stranger = cast.account("Eve")
    theirs = cast.organization(stranger, "Theirs")

    foreign = stale.post(f"/theirs/members/{theirs.owner_id}/remove")
    missing = stale.post(f"/acme/members/{theirs.owner_id}/remove")

    assert (foreign.status_code, missing.status_code) == (404, 404)


def test_a_program_is_told_why(stale, bob):
    answer = stale.post(
        f"/acme/members/{bob.id}/make-admin", headers={"Accept": "application/json"}
    )

    assert answer.status_code == 403
    assert "asks for your password" in answer.json["detail"]


def test_in_a_dialog_the_whole_page_becomes_the_one_that_asks(stale, bob):
    answer = stale.post(f"/acme/members/{bob.id}/make-admin", headers={"HX-Request": "true"})

    assert answer.headers["HX-Retarget"] == "body"


def test_a_session_from_before_is_asked(client, ann, bob):
    client.sign_in(ann)
    db.session.execute(db.update(Session).values(proved_at=None))
    db.session.commit()

    assert client.post(f"/acme/members/{bob.id}/make-admin").status_code == 403
