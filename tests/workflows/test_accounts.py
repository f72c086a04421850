"""Accounts: nobody is anybody before the address is proved."""

from datetime import timedelta

import pytest
from people import PASSWORD

from workflows import accounts, resets, sessions
from workflows.engine.db import db
from workflows.engine.refusals import Invalid, NotNow


def templates(letters):
    return [(letter.to, letter.template) for letter in letters]


def test_a_sign_up_cannot_log_in(app):
    accounts.sign_up("Ann", "ann@acme.test", PASSWORD)

    with pytest.raises(Invalid):
        accounts.check("ann@acme.test", PASSWORD)


def test_a_known_address_gets_another_letter_and_nobody_else_learns_of_it(cast):
    cast.account("Ann")

    again = accounts.sign_up("Mallory", "ANN@acme.test", "another long password")

    assert again.state == "waiting"
    assert templates(cast.deliver()) == [("ann@acme.test", "sign_up_known")]
    with pytest.raises(NotNow, match="already"):
        accounts.confirm(again)
    assert accounts.check("ann@acme.test", PASSWORD).name == "Ann"


def test_whoever_proves_the_address_first_has_the_account(cast):
    prepared = accounts.sign_up("Mallory", "ann@acme.test", "the password of mallory")
    ann = cast.account("Ann")

    assert prepared.state == "dropped"
    assert prepared.password_hash is None
    with pytest.raises(NotNow):
        accounts.confirm(prepared)
    with pytest.raises(Invalid):
        accounts.check("ann@acme.test", "the password of mallory")
    assert accounts.check("ann@acme.test", PASSWORD) == ann


def test_a_sign_up_is_dropped_after_two_days(app, settings):
    waiting = accounts.sign_up("Ann", "ann@acme.test", PASSWORD)
    settings.clock_offset = timedelta(hours=49).total_seconds()

    accounts.drop_stale()

    with pytest.raises(NotNow, match="too old"):
        accounts.confirm(waiting)


@pytest.mark.parametrize(("email", "password"), [
    ("ann@acme.test", "not the password"),
    ("nobody@acme.test", PASSWORD),
    ("not an address", PASSWORD),
    ("", ""),
])  # fmt: skip
def test_a_wrong_address_and_a_wrong_password_get_the_same_answer(cast, email, password):
    cast.account("Ann")

    with pytest.raises(Invalid) as refusal:
        accounts.check(email, password)

    assert refusal.value.fields == {"password": "This address and password do not belong together."}


def test_a_new_password_ends_every_session_and_uses_up_the_link(cast):
    ann = cast.account("Ann")
    secret = sessions.open_session(ann)
    resets.ask_reset("ann@acme.test")
    [letter] = [one for one in cast.deliver() if one.template == "password_reset"]

    resets.reset_password(ann, 0, "an entirely new password")

    assert "/reset/" in letter.facts["url"]
    assert sessions.session_of(secret) is None
    assert accounts.check("ann@acme.test", "an entirely new password") == ann
    with pytest.raises(NotNow, match="used already"):
        resets.reset_password(ann, 0, "yet another password")


def test_a_reset_link_ends_after_two_hours(cast, settings):
    ann = cast.account("Ann")
    resets.ask_reset("ann@acme.test")
    cast.deliver()
    settings.clock_offset = timedelta(hours=2, minutes=1).total_seconds()

    with pytest.raises(NotNow, match="two hours"):
        resets.reset_password(ann, 0, "an entirely new password")


def test_asking_for_a_reset_of_an_unknown_address_sends_nothing(cast):
    resets.ask_reset("nobody@acme.test")

    assert cast.deliver() == []


@pytest.mark.parametrize("email", [
    "", "ann", "ann@", "@acme.test", "ann@@acme.test", "ann@acme", "a b@acme.test",
    "ann@acme.test\r\nBcc: eve@x.test", "ann@acme..test", '"ann"@acme.test', "änn@acme.test",
    "ann@acme.test,bob@acme.test", "a" * 65 + "@acme.test", "ann@" + "a" * 250 + ".test",
    "ann@\u202eacme.test", "ann\x00@acme.test",
])  # fmt: skip
def test_what_is_no_address_is_told_so(app, email):
    with pytest.raises(Invalid) as refusal:
        accounts.sign_up("Ann", email, PASSWORD)

    assert refusal.value.fields["email"].startswith(("This is not an e-mail address.", "Type"))


@pytest.mark.parametrize("name", [
    "", "  ", "a" * 65, "Ann\x00", "Ann\u202e", "evil.com is here", "see https://x", "www.x",
    "a\ud800",
])  # fmt: skip
def test_what_is_no_name_is_told_so(app, name):
    with pytest.raises(Invalid) as refusal:
        accounts.sign_up(name, "ann@acme.test", PASSWORD)

    assert set(refusal.value.fields) == {"name"}


@pytest.mark.parametrize(
    "name", ["Ann", "Zoë O'Hara-Łukasiewicz", "李伟", "Mr. T.", "J.R.R. Tolkien"]
)
def test_names_of_people_are_names(app, name):
    assert accounts.sign_up(name, "ann@acme.test", PASSWORD).name == name


@pytest.mark.parametrize("password", ["", "too short", "x" * 129])
def test_a_password_has_a_length(app, password):
    with pytest.raises(Invalid) as refusal:
        accounts.sign_up("Ann", "ann@acme.test", password)

    assert set(refusal.value.fields) == {"password"}


def test_an_address_is_known_in_every_spelling(cast):
    ann = cast.account("Ann", "Ann.Lee@ACME.test")

    assert ann.email == "Ann.Lee@acme.test"
    assert accounts.check("ann.lee@acme.TEST", PASSWORD) == ann


def test_sessions_end_by_themselves(cast, settings):
    secret = sessions.open_session(cast.account("Ann"))

    assert sessions.session_of(secret)
    settings.clock_offset = timedelta(hours=25).total_seconds()
    assert sessions.session_of(secret) is None
    sessions.drop_stale()
    settings.clock_offset = 0
    db.session.rollback()
    assert sessions.session_of(secret) is None


def test_everything_that_is_wrong_is_said_at_once(app):
    with pytest.raises(Invalid) as refusal:
        accounts.sign_up("", "", "short")

    assert set(refusal.value.fields) == {"name", "email", "password"}


def test_an_old_reset_link_is_not_made_good_by_asking_again(cast, settings):
    ann = cast.account("Ann")
    resets.ask_reset("ann@acme.test")
    cast.deliver()
    settings.clock_offset = timedelta(days=90).total_seconds()

    resets.ask_reset("ann@acme.test")
    cast.deliver()

    with pytest.raises(NotNow, match="used already"):
        resets.reset_password(ann, 0, "an entirely new password")


def test_asking_again_at_once_mails_the_same_link_and_no_longer_time(cast, settings):
    ann = cast.account("Ann")
    resets.ask_reset("ann@acme.test")
    cast.deliver()
    asked_at = ann.reset_asked_at
    settings.clock_offset = timedelta(minutes=30).total_seconds()

    resets.ask_reset("ann@acme.test")

    cast.deliver()
    links = [one.facts["url"] for one in cast.letters if one.template == "password_reset"]
    assert (len(links), len(set(links))) == (2, 1)
    assert ann.reset_asked_at == asked_at


def test_a_very_long_name_is_refused_before_it_is_normalised(app):
    with pytest.raises(Invalid, match="longer than 64"):
        accounts.sign_up("a" + "\u0301" * 30_000 + "\u0316" * 30_000, "ann@acme.test", PASSWORD)


@pytest.mark.parametrize("name", ["bit.ly/x", "evil．com", "a@evil.de", "mailto:x", "t.co"])
def test_a_name_carries_no_link_into_a_letter(app, name):
    with pytest.raises(Invalid):
        accounts.sign_up(name, "ann@acme.test", PASSWORD)
