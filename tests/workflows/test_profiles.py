"""What people change about themselves at once: name, password, log-ins."""

import pytest
from people import PASSWORD

from workflows import accounts, directories, log_ins, profiles, resets, sessions
from workflows.directories import Search
from workflows.engine.db import db
from workflows.engine.refusals import Invalid, NotNow, TooOften
from workflows.sessions import Session

ANOTHER = "quite another password"
PLACE = {"client": "192.0.2.1", "browser": "hers"}


@pytest.fixture
def here(ann):
    return sessions.session_of(sessions.open_session(ann))


def test_a_new_name_is_found_at_once_in_every_organization(cast, ann):
    acme, bolt = cast.organization(ann, "Acme"), cast.organization(ann, "Bolt")

    profiles.rename("  Ann   Byron ", by=ann)

    assert ann.name == "Ann Byron"
    for organization in (acme, bolt):
        found = directories.look_up(organization, Search(words="byron"), "", 10).people
        assert [one.membership.account for one in found] == [ann]


@pytest.mark.parametrize("name", ["", "   ", "https://evil.test", "a\u202eb", "x" * 300])
def test_a_name_that_nobody_may_have_is_refused(ann, name):
    with pytest.raises(Invalid):
        profiles.rename(name, by=ann)

    assert ann.name == "Ann"


def test_a_new_password_logs_out_everywhere_but_here_and_is_told_by_mail(cast, ann, here):
    sessions.open_session(ann)
    cast.deliver()

    profiles.change_password(here, PASSWORD, ANOTHER, **PLACE)

    assert accounts.check("ann@acme.test", ANOTHER) == ann
    with pytest.raises(Invalid):
        accounts.check("ann@acme.test", PASSWORD)
    assert sessions.of_account(ann) == [here]
    assert [one.template for one in cast.deliver()] == ["password_changed"]


def test_a_reset_link_from_before_sets_no_password(cast, ann, here):
    resets.ask_reset("ann@acme.test")
    cast.deliver()
    asked = ann.reset_round

    profiles.change_password(here, PASSWORD, ANOTHER, **PLACE)

    with pytest.raises(NotNow):
        resets.reset_password(ann, asked, "the password of mallory")


def test_whatever_is_wrong_is_told_at_once(here):
    with pytest.raises(Invalid) as refused:
        profiles.change_password(here, "not the password", "short", **PLACE)

    assert set(refused.value.fields) == {"old_password", "password"}


def test_no_old_password_is_no_guess(here):
    with pytest.raises(Invalid) as refused:
        profiles.change_password(here, "", ANOTHER, **PLACE)

    assert refused.value.fields == {"old_password": "Type your present password."}


def test_guesses_at_the_old_password_are_counted(ann, here):
    for guess in range(10):
        with pytest.raises(Invalid):
            profiles.change_password(here, f"a wrong one {guess}", ANOTHER, **PLACE)

    with pytest.raises(TooOften):
        profiles.change_password(here, PASSWORD, ANOTHER, **PLACE)
    assert accounts.check("ann@acme.test", PASSWORD) == ann


def test_one_logs_out_another_browser_and_nobody_elses(cast, ann, here):
    other = sessions.session_of(sessions.open_session(ann))
    bobs = sessions.session_of(sessions.open_session(cast.account("Bob")))

    sessions.end(bobs.id, by=ann)
    sessions.end(other.id, by=ann)

    assert db.session.scalars(db.select(Session).order_by(Session.id)).all() == [here, bobs]


def test_one_logs_out_everywhere_else(cast, ann, here):
    for _ in range(3):
        sessions.open_session(ann)
    bob = cast.account("Bob")
    sessions.open_session(bob)

    sessions.end_others(here)

    assert sessions.of_account(ann) == [here]
    assert len(sessions.of_account(bob)) == 1


def test_a_log_in_that_has_ended_is_not_listed(ann, here, settings):
    settings.clock_offset += 25 * 3600
    fresh = sessions.session_of(sessions.open_session(ann))

    assert sessions.of_account(ann) == [fresh]


def test_a_browser_that_one_uses_still_is_after_a_new_password(ann, here):
    log_ins.make_familiar(ann, browser="hers")

    profiles.change_password(here, PASSWORD, ANOTHER, **PLACE)

    assert log_ins.place("ann@acme.test", "hers") == "hers"
