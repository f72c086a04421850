"""The pages of a profile, as a browser without JavaScript sends them."""

import json
import re

import pytest
from people import PASSWORD

from web import browsers, downloads
from workflows import accounts, roles, sessions

ANOTHER = "quite another password"
AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 "
    "Safari/537.36 Edg/130.0": "Edge on Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile "
    "Safari/537.36": "Chrome on Android",
    "<script>alert(1)</script>": "Another browser",
    "": "Another browser",
}


@pytest.fixture
def here(client, ann):
    """Ann, logged in a moment ago."""
    client.sign_in(ann)
    return client


@pytest.fixture
def stale(here, settings):
    """The same browser a while later."""
    settings.clock_offset += 11 * 60
    return here


def log_in(app, agent=""):
    """Another browser in which Ann logs in herself."""
    other = app.test_client()
    form = {"email": "ann@acme.test", "password": PASSWORD}
    assert other.post("/login", data=form, headers={"User-Agent": agent}).status_code == 303
    return other


def test_a_name_is_changed_and_shown(here, ann):
    answer = here.post("/profile", data={"name": "Ann Byron"}, follow_redirects=True)

    assert "Your name is saved." in answer.text
    assert 'value="Ann Byron"' in answer.text


def test_a_name_that_cannot_be_is_kept_in_its_field_with_the_reason(here, ann):
    answer = here.post("/profile", data={"name": "see https://evil.test"})

    assert answer.status_code == 422
    assert "A name cannot contain a web address." in answer.text
    assert 'value="see https://evil.test"' in answer.text
    assert "<title>Error: Profile" in answer.text
    assert ann.name == "Ann"


def test_organizations_are_listed_with_ones_role(here, cast, ann):
    cast.organization(ann, "Acme")
    zoe = cast.account("Zoe")
    cast.member(cast.organization(zoe, "Bolt"), "Cy", zoe)

    page = here.get("/profile").text

    assert re.search(r'href="/acme/home">Acme</a></div><span class="u-tag">Owner<', page)
    assert "Bolt" not in page


def test_a_new_password_keeps_this_browser_and_ends_the_others(app, here):
    other = log_in(app)

    form = {"old_password": PASSWORD, "password": ANOTHER}
    answer = here.post("/profile/password", data=form, follow_redirects=True)

    assert "Your new password is set." in answer.text
    assert other.get("/profile").location.startswith("/login")
    assert accounts.check("ann@acme.test", ANOTHER)


def test_a_new_password_begins_the_session_under_another_secret(here):
    with here.session_transaction() as cookie:
        before = cookie["sid"]

    here.post("/profile/password", data={"old_password": PASSWORD, "password": ANOTHER})

    assert sessions.session_of(before) is None
    assert here.get("/profile").status_code == 200


def test_each_new_password_asks_for_the_old_one_and_shows_neither_again(here):
    for old, sentence in (("not it at all", "This is not your password."), ("", "Type your")):
        form = {"old_password": old, "password": "something new entirely"}
        answer = here.post("/profile/password", data=form)

        assert answer.status_code == 422
        assert sentence in answer.text
        assert "not it at all" not in answer.text
        assert "something new" not in answer.text
    assert accounts.check("ann@acme.test", PASSWORD)


@pytest.mark.parametrize("agent", AGENTS)
def test_log_ins_are_listed_in_our_words(app, here, agent):
    log_in(app, agent)

    page = here.get("/profile/sessions").text

    assert AGENTS[agent] in page
    assert "127.0.0.0/24" in page
    assert "127.0.0.1<" not in page
    assert page.count("Log Out This Browser") == 1
    assert browsers.name(agent) == AGENTS[agent]


def test_another_browser_is_logged_out(app, here, ann):
    other = log_in(app)
    there = sessions.of_account(ann)[0].id

    here.post("/profile/sessions/end", data={"session": str(there)})

    assert other.get("/profile").status_code == 303
    assert here.get("/profile").status_code == 200


def test_everywhere_else_is_logged_out(app, here):
    others = [log_in(app) for _ in range(2)]

    answer = here.post("/profile/sessions", follow_redirects=True)

    assert "You are logged in here, and nowhere else." in answer.text
    assert "Log Out Elsewhere" not in answer.text
    assert {other.get("/profile").status_code for other in others} == {303}


def test_the_number_of_somebody_elses_log_in_ends_nothing(app, here, cast):
    bob, bobs = cast.account("Bob"), app.test_client()
    bobs.sign_in(bob)
    [theirs] = sessions.of_account(bob)

    answer = here.post("/profile/sessions/end", data={"session": str(theirs.id)})

    assert answer.location == "/profile/sessions"
    assert bobs.get("/profile").status_code == 200
    assert here.get("/profile").status_code == 200


def test_a_takeout_is_a_file_of_json(here, cast, ann):
    acme = cast.organization(ann, seats=1)

    answer = here.post("/profile/takeout")

    told = json.loads(answer.text)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="profile.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert told["format"] == "usher-person-1"
    assert told["account"]["email"] == "ann@acme.test"
    assert [one["organization"] for one in told["memberships"]] == [acme.slug]


def test_a_takeout_that_would_be_one_download_too_many_is_refused(here, monkeypatch):
    monkeypatch.setattr(downloads, "OF_ONE", 1)
    monkeypatch.setattr(downloads, "running", downloads.Downloads())
    running = here.post("/profile/takeout", buffered=False)

    assert here.post("/profile/takeout").status_code == 503
    running.close()
    assert here.post("/profile/takeout").status_code == 200


GUARDED = {
    "/profile/address": ({"email": "ann@else.test"}, "A letter goes to your new address"),
    "/profile/takeout": ({}, "What Usher knows of you is written into a file."),
    "/profile/close": ({}, "nobody can log in to this account again"),
}


@pytest.mark.parametrize("path", GUARDED)
def test_an_unlocked_computer_is_not_enough(stale, cast, ann, path):
    form, sentence = GUARDED[path]
    before = ann.revision

    asked = stale.post(path, data=form)
    wrong = stale.post(path, data={**form, "proof": "not the password"})

    assert (asked.status_code, wrong.status_code) == (403, 422)
    assert sentence in asked.text
    assert 'href="/profile"' in asked.text
    assert (ann.revision, ann.state) == (before, "active")
    assert cast.deliver() == []

    done = stale.post(path, data={**form, "proof": PASSWORD})

    assert done.status_code in (200, 303)


def test_an_account_is_closed_after_the_page_that_says_what_ends(here, cast, ann):
    acme = cast.organization(cast.account("Zoe"), seats=1)
    asked = cast.invitation(acme, "ann@acme.test", acme.owner.account)
    here.post(f"/invitations/{asked.id}/accept")

    page = here.get("/profile/close").text
    answer = here.post("/profile/close", follow_redirects=True)

    assert "You are no longer in “Acme”" in page
    assert "Your account is closed." in answer.text
    assert "Log In" in answer.text
    assert here.get("/profile").location.startswith("/login")
    assert ann.state == "closed"


def test_an_owner_sees_why_not_and_the_way_out(here, cast, ann):
    acme = cast.organization(ann)
    roles.make_admin(cast.member(acme, "Bo", ann), by=ann)

    page = here.get("/profile/close").text
    answer = here.post("/profile/close")

    sentence = "You own “Acme”, and an organization always has an owner."
    assert sentence in page
    assert 'href="/acme/ownership"' in page
    assert 'aria-disabled="true">Close Account' in page
    assert answer.status_code == 409
    assert sentence in answer.text
    assert ann.state == "active"
