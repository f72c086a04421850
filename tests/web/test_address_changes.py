"""A change of address as people walk it, with the links of its letters."""

import pytest
from people import PASSWORD

from workflows import address_changes, sessions

NEW = "ann@else.test"


@pytest.fixture
def here(client, ann):
    client.sign_in(ann)
    return client


def path_in(letter):
    return "/" + letter.facts["url"].split("/", 3)[3]


def mailed(cast, template):
    return next(path_in(one) for one in cast.deliver() if one.template == template)


@pytest.fixture
def link(here, cast):
    """Ann asks; the link in the letter to the new address."""
    here.post("/profile/address", data={"email": NEW})
    return mailed(cast, "confirm_address")


@pytest.fixture
def undo_link(here, cast, link):
    here.get(link)
    here.post("/profile/address/confirm")
    return mailed(cast, "address_changed")


def test_a_wish_is_shown_until_it_is_confirmed(here, link):
    for path in ("/profile", "/profile/address"):
        page = here.get(path).text
        assert NEW in page
        assert "ann@acme.test" in page


def test_the_page_says_the_same_whoever_has_the_address(here, cast):
    cast.account("Bob", "bob@else.test")

    free, taken = (
        here.post("/profile/address", data={"email": email}, follow_redirects=True).text
        for email in ("new@else.test", "bob@else.test")
    )

    assert "A letter with a link went to the new address" in free
    assert "another account" not in taken
    assert "A letter with a link went to the new address" in taken


def test_a_wish_is_taken_back(here, ann, link):
    answer = here.post("/profile/address/cancel", follow_redirects=True)

    assert "Your address stays as it is." in answer.text
    assert NEW not in answer.text
    assert "canceled" in here.get(link).text


def test_opening_the_link_changes_nothing_and_hides_its_secret(here, ann, link):
    opened = here.get(link)
    page = here.get(opened.location)

    assert (opened.status_code, opened.location) == (303, "/profile/address/confirm")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert "Confirm Address" in page.text
    assert 'name="password"' not in page.text
    assert ann.email == "ann@acme.test"


def test_logged_in_one_click_confirms(app, here, ann, link):
    other = app.test_client()
    other.sign_in(ann)
    here.get(link)

    answer = here.post("/profile/address/confirm", follow_redirects=True)

    assert "Your new address is confirmed." in answer.text
    assert ann.email == NEW
    assert other.get("/profile").status_code == 303


def test_elsewhere_the_password_confirms_and_logs_in(app, ann, link):
    phone = app.test_client()
    assert 'name="password"' in phone.get(link, follow_redirects=True).text

    wrong = phone.post("/profile/address/confirm", data={"password": "not the password"})
    assert (wrong.status_code, ann.email) == (422, "ann@acme.test")
    assert "This is not the password of the account that asked." in wrong.text

    assert phone.post("/profile/address/confirm", data={"password": PASSWORD}).status_code == 303
    assert ann.email == NEW
    assert NEW in phone.get("/profile").text


def test_in_a_browser_of_somebody_else_the_password_is_needed_too(app, cast, ann, link):
    others = app.test_client()
    others.sign_in(cast.account("Bob"))

    page = others.get(link, follow_redirects=True).text
    without = others.post("/profile/address/confirm")

    assert "here you are logged in as bob@acme.test" in page
    assert (without.status_code, ann.email) == (422, "ann@acme.test")


def test_the_form_of_a_link_opened_earlier_is_not_sent_for_a_later_one(here, cast, ann, link):
    here.get(link)
    shown = address_changes.asked_by(ann).id

    answer = here.post("/profile/address/confirm", data={"shown": str(shown + 1)})

    assert answer.status_code == 409
    assert ann.email == "ann@acme.test"


def test_the_old_address_takes_the_account_back(app, here, cast, ann, undo_link):
    old = app.test_client()
    page = old.get(undo_link, follow_redirects=True)
    assert "Undo the Change" in page.text
    assert ann.email == NEW

    wrong = old.post("/profile/address/undo", data={"email": NEW})
    assert wrong.status_code == 422
    assert "This is not the address the letter was sent to." in wrong.text

    done = old.post("/profile/address/undo", data={"email": "ann@acme.test"}, follow_redirects=True)

    assert "Your account is back" in done.text
    assert ann.email == "ann@acme.test"
    assert here.get("/profile").status_code == 303
    assert sessions.of_account(ann) == []
    assert old.get(mailed(cast, "password_reset")).location == "/reset"


def test_links_that_are_over_say_so(here, ann, undo_link):
    again = here.get("/profile/address/confirm")
    assert again.status_code == 404

    here.get(undo_link)
    here.post("/profile/address/undo", data={"email": "ann@acme.test"})

    over = here.get(undo_link)
    assert over.status_code == 409
    assert "This change was undone." in over.text
    assert 'href="/profile"' in over.text
