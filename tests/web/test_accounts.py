import re

import pytest
from people import PASSWORD

from workflows import accounts
from workflows.engine import seals
from workflows.engine.db import db
from workflows.sessions import Session

NEW = {"name": "Ada Byron", "email": "ada@acme.test", "password": PASSWORD}


def title(answer):
    return re.search(r"<title>(.*?) · Usher</title>", answer.text)[1]


def without_tokens(answer):
    """The page but for its CSRF tokens, which are others in every session."""
    return re.sub(r'"[\w-]+\.[\w-]+\.[\w-]+"', '""', answer.text)


def path_in(letter):
    return letter.facts["url"].partition("//")[2].partition("/")[2].join(["/", ""])


@pytest.fixture
def signed_up(client, cast):
    """The link in the letter that signing up has caused."""
    client.post("/signup", data=NEW)
    return path_in(cast.deliver()[-1])


@pytest.fixture
def reset_link(client, cast):
    cast.account("Ada")
    client.post("/forgot", data={"email": "ada@acme.test"})
    return path_in(cast.deliver()[-1])


def test_the_root_leads_to_where_one_belongs(client, cast):
    assert client.get("/").location == "/login"

    client.sign_in(cast.account("Ada"))

    assert client.get("/").location == "/organizations"


@pytest.mark.parametrize("path", ["/signup", "/login", "/forgot", "/forgot/sent", "/signup/sent"])
def test_the_pages_for_everybody_open(client, path):
    assert client.get(path).status_code == 200


def test_signing_up_asks_to_look_into_the_mail_and_signs_nobody_in(client, cast):
    answer = client.post("/signup", data=NEW, follow_redirects=True)

    assert "Check your mail" in answer.text
    assert "ada@acme.test" in answer.text
    assert [letter.template for letter in cast.deliver()] == ["confirm_sign_up"]
    assert client.get("/profile").location.startswith("/login")


def test_signing_up_with_a_known_address_looks_the_same(app, cast):
    cast.account("Ada")

    new, known = (
        app.test_client().post("/signup", data={**NEW, "email": email}, follow_redirects=True)
        for email in ("new@acme.test", "ada@acme.test")
    )

    assert new.status_code == known.status_code == 200
    assert without_tokens(new).replace("new@", "ada@") == without_tokens(known)
    assert {name for name, _ in new.headers} == {name for name, _ in known.headers}
    assert [letter.template for letter in cast.deliver()] == ["confirm_sign_up", "sign_up_known"]


def test_opening_the_link_hides_its_secret_and_changes_nothing(client, signed_up):
    opened = client.get(signed_up)

    assert (opened.status_code, opened.location) == (303, "/signup/confirm")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    assert db.session.scalar(db.select(accounts.Account)) is None


def test_the_browser_that_signed_up_confirms_with_one_click(client, signed_up):
    page = client.get(signed_up, follow_redirects=True)
    assert "Confirm Email" in page.text
    assert 'name="password"' not in page.text

    answer = client.post("/signup/confirm")

    assert answer.location == "/organizations"
    assert "Ada Byron" in client.get("/profile").text


def test_another_browser_confirms_with_a_name_and_password_chosen_there(app, signed_up):
    other = app.test_client()
    page = other.get(signed_up, follow_redirects=True).text
    assert "Somebody, perhaps you in another browser, asked for an account" in page
    assert "Ada Byron" not in page  # what a stranger may have typed is not offered

    refused = other.post("/signup/confirm", data={"name": "", "password": "short"})
    chosen = {"name": "Ada King", "email": "eve@acme.test", "password": "chosen by the owner"}
    accepted = other.post("/signup/confirm", data=chosen)

    assert refused.status_code == 422
    assert "Type a name." in refused.text
    assert "A password needs at least 12 characters." in refused.text
    assert accepted.location == "/organizations"
    page = other.get("/profile").text
    assert "Ada King" in page
    assert "ada@acme.test" in page


def test_what_a_stranger_typed_for_somebody_elses_address_opens_nothing(app, cast):
    stranger, owner = app.test_client(), app.test_client()
    stranger.post("/signup", data={**NEW, "name": "Mallory", "password": "the strangers password"})
    link = path_in(cast.deliver()[-1])

    owner.get(link)
    owner.post("/signup/confirm", data={"name": "Ada", "password": PASSWORD})

    assert "Ada" in owner.get("/profile").text
    login = {"email": "ada@acme.test", "password": "the strangers password"}
    assert stranger.post("/login", data=login).status_code == 422
    assert stranger.get("/profile").location.startswith("/login")
    assert stranger.get("/signup/confirm").status_code == 404


def test_a_strangers_letter_confirms_what_this_browser_signed_up_with(app, client, cast, settings):
    settings.limit_again = "9/1s"
    app.test_client().post("/signup", data={**NEW, "name": "Mallory", "password": "x" * 12})
    of_the_stranger = path_in(cast.deliver()[-1])
    client.post("/signup", data=NEW)

    page = client.get(of_the_stranger, follow_redirects=True).text
    answer = client.post("/signup/confirm")

    assert 'name="password"' not in page
    assert "Mallory" not in page
    assert answer.location == "/organizations"
    assert "Ada Byron" in client.get("/profile").text
    assert "confirmed already" in app.test_client().get(of_the_stranger).text
    client.post("/logout")
    login = {"email": NEW["email"], "password": PASSWORD}
    assert client.post("/login", data=login).location == "/organizations"


def test_a_sign_up_with_another_address_confirms_no_letter_to_this_one(app, client, cast):
    app.test_client().post("/signup", data=NEW)
    link = path_in(cast.deliver()[-1])
    client.post("/signup", data={**NEW, "email": "eve@acme.test"})

    page = client.get(link, follow_redirects=True).text

    assert 'name="password"' in page
    assert client.post("/signup/confirm").status_code == 422


def test_opening_a_good_link_without_a_cookie_writes_no_row(app, signed_up):
    sessions = db.select(db.func.count()).select_from(Session)
    before = db.session.scalar(sessions)

    for _ in range(5):
        page = app.test_client().get(signed_up, follow_redirects=True)

    assert "Confirm Email" in page.text
    assert db.session.scalar(sessions) == before == 0


def test_another_browser_cannot_confirm_by_leaving_the_password_out(app, signed_up):
    other = app.test_client()
    other.get(signed_up)

    assert other.post("/signup/confirm").status_code == 422
    assert other.get("/profile").location.startswith("/login")


def test_a_scanner_that_opens_the_link_first_takes_nothing_away(app, client, signed_up):
    for _ in range(3):
        app.test_client().get(signed_up)
        app.test_client().head(signed_up)

    client.get(signed_up)

    assert client.post("/signup/confirm").location == "/organizations"


def test_a_link_that_was_used_says_so_and_offers_to_log_in(client, signed_up):
    client.get(signed_up)
    client.post("/signup/confirm")

    for answer in (client.get(signed_up), client.post("/signup/confirm")):
        assert answer.status_code in (404, 409)
        assert 'href="/login"' in answer.text or 'href="/organizations"' in answer.text
    assert "This address is confirmed already. You can log in." in client.get(signed_up).text


def test_a_link_of_a_sign_up_that_was_dropped_says_that_it_is_too_old(client, cast, signed_up):
    cast.account("Ada")

    answer = client.get(signed_up)

    assert answer.status_code == 409
    assert "This link is too old. Sign up again to get a new one." in answer.text
    assert 'href="/signup"' in answer.text


@pytest.mark.parametrize("kind", ["signup", "reset"])
@pytest.mark.parametrize("wrong", ["forged", "cut", "of another kind", "of no row"])
def test_a_link_that_is_not_whole_leads_to_a_page_with_a_next_step(app, client, kind, wrong):
    whole = seals.seal(kind, 99)
    sealed = {
        "forged": "W10.AAAA",
        "cut": whole[:-3],
        "of another kind": seals.seal("join", 1),
        "of no row": whole,
    }[wrong]

    answer = client.get(f"/{kind}/{sealed}")

    assert answer.status_code == 404
    assert "link" in answer.text
    assert ('href="/signup"' if kind == "signup" else 'href="/forgot"') in answer.text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Type a name."),
        ("name", "x" * 65, "This name is longer than 64 characters."),
        ("name", "see www.example.com", "A name cannot contain a web address."),
        ("email", "ada", "This is not an e-mail address. It has no @ sign."),
        ("email", "ada@", "This is not an e-mail address."),
        ("password", "too short", "A password needs at least 12 characters."),
        ("password", "x" * 129, "A password may have at most 128 characters."),
        ("email", "\0ada@acme.test", "This contains characters that cannot be shown."),
    ],
)
def test_a_field_that_is_wrong_says_how_to_mend_it(client, field, typed, sentence):
    answer = client.post("/signup", data={**NEW, field: typed})

    assert answer.status_code == 422
    assert title(answer) == "Error: Sign Up"
    assert sentence in answer.text
    assert f'aria-describedby="{field}-said' in answer.text
    assert PASSWORD not in answer.text


def test_what_was_typed_stays_but_for_the_password(client):
    answer = client.post("/signup", data={**NEW, "password": "short"})

    assert 'value="Ada Byron"' in answer.text
    assert 'value="ada@acme.test"' in answer.text
    assert 'value="short"' not in answer.text


def test_a_wrong_password_and_a_wrong_address_get_the_same_answer(client, cast):
    cast.account("Ada")

    wrong = client.post("/login", data={"email": "ada@acme.test", "password": "x" * 12})
    nobody = client.post("/login", data={"email": "eve@acme.test", "password": "x" * 12})

    assert wrong.status_code == nobody.status_code == 422
    assert "This address and password do not belong together." in wrong.text
    assert without_tokens(wrong).replace("ada@", "eve@") == without_tokens(nobody)


def test_logging_in_leads_to_the_organizations_with_a_new_session(client, cast):
    cast.account("Ada")
    client.post("/login", data={"email": "ada@acme.test", "password": PASSWORD})
    with client.session_transaction() as cookie:
        before = cookie["sid"]

    answer = client.post("/login", data={"email": "Ada@acme.test", "password": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/organizations")
    with client.session_transaction() as cookie:
        assert cookie["sid"] != before


def test_the_login_page_also_opens_for_somebody_signed_in(client, cast):
    client.sign_in(cast.account("Ada"))

    answer = client.get("/login")

    assert "You are logged in as" in answer.text
    assert 'name="password"' in answer.text


def test_whoever_wanted_a_page_comes_to_it_after_logging_in(client, cast):
    cast.account("Ada")
    asked = client.get("/profile?client=pip&x=a%26b")
    page = client.get(asked.location)

    way = re.search(r'name="next" value="([^"]*)"', page.text)[1].replace("&amp;", "&")
    answer = client.post(
        "/login", data={"email": "ada@acme.test", "password": PASSWORD, "next": way}
    )

    assert answer.location == "/profile?client=pip&x=a%26b"


@pytest.mark.parametrize(
    "next", ["https://evil.test/", "//evil.test", "/\\evil.test", "/\t/evil.test", "/logout",
             "javascript:alert(1)", "/profile\r\nX: y", "/static/usher.css", "/no/such/page", ""],
)  # fmt: skip
def test_logging_in_leads_nowhere_but_to_a_page_of_ours(client, cast, next):
    cast.account("Ada")
    login = {"email": "ada@acme.test", "password": PASSWORD}

    answer = client.post("/login", data={**login, "next": next})

    assert answer.location == "/organizations"
    assert "evil" not in client.get("/login", query_string={"next": next}).text


def test_logging_out_ends_the_session_everywhere_it_was_copied_to(app, client, cast):
    client.sign_in(cast.account("Ada"))
    with client.session_transaction() as cookie:
        stolen = cookie["sid"]

    answer = client.post("/logout", follow_redirects=True)

    assert "You are logged out." in answer.text
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie["sid"] = stolen
    assert thief.get("/profile").location.startswith("/login")


def test_logging_out_twice_is_no_mistake(client, cast):
    client.sign_in(cast.account("Ada"))

    assert [client.post("/logout").location for _ in range(2)] == ["/login", "/login"]


def test_a_link_cannot_log_anybody_out(client, cast):
    client.sign_in(cast.account("Ada"))

    assert client.get("/logout").status_code in (404, 405)
    assert client.get("/profile").status_code == 200


def test_asking_for_a_reset_says_the_same_to_everybody(client, cast):
    cast.account("Ada")

    known, unknown = (
        client.post("/forgot", data={"email": email}, follow_redirects=True)
        for email in ("ada@acme.test", "eve@acme.test")
    )

    assert "Check your mail" in known.text
    assert without_tokens(known) == without_tokens(unknown)
    assert [letter.template for letter in cast.deliver()] == ["password_reset"]


def test_a_reset_link_sets_a_new_password_once(client, reset_link):
    opened = client.get(reset_link)
    assert opened.location == "/reset"
    assert "Set Password" in client.get("/reset").text

    answer = client.post("/reset", data={"password": "a new password to use"})

    assert answer.location == "/login"
    login = {"email": "ada@acme.test", "password": "a new password to use"}
    assert client.post("/login", data=login).location == "/organizations"
    spent = client.get(reset_link)
    assert spent.status_code == 409
    assert "This link was used already." in spent.text
    assert 'href="/forgot"' in spent.text


def test_a_new_password_ends_every_session(app, client, reset_link):
    other = app.test_client()
    other.post("/login", data={"email": "ada@acme.test", "password": PASSWORD})
    assert other.get("/profile").status_code == 200

    client.get(reset_link)
    client.post("/reset", data={"password": "a new password to use"})

    assert other.get("/profile").location.startswith("/login")


def test_a_reset_link_that_is_too_old_says_so(client, settings, reset_link):
    settings.clock_offset = 3 * 3600

    answer = client.get(reset_link)

    assert answer.status_code == 409
    assert "This link is older than two hours. Ask for a new one." in answer.text


def test_a_new_password_that_is_too_short_is_asked_for_again(client, reset_link):
    client.get(reset_link)

    answer = client.post("/reset", data={"password": "short"})

    assert answer.status_code == 422
    assert "A password needs at least 12 characters." in answer.text
    assert client.post("/reset", data={"password": "a new password to use"}).status_code == 303


def test_the_reset_page_without_a_link_leads_to_a_new_one(client):
    answer = client.get("/reset")

    assert answer.status_code == 404
    assert 'href="/forgot"' in answer.text


def test_the_profile_shows_who_one_is(client, cast):
    client.sign_in(cast.account("Ada"))

    page = client.get("/profile").text

    assert "ada@acme.test" in page
    column = re.search(r'<nav class="u-nav".*?</nav>', page, re.DOTALL)[0]
    words = re.findall(r"</svg>([^<]*)", column)
    assert [word.strip() for word in words] == ["Account", "Organizations", "Subscriptions"]
    assert 'href="/profile" aria-current="page"' in column


def test_the_check_your_mail_pages_lead_to_the_mailbox_only_where_there_is_one(client, settings):
    assert 'href="/dev/mailbox"' in client.get("/signup/sent").text

    settings.smtp_url = "smtp://mail.acme.test:587"

    assert "/dev/mailbox" not in client.get("/forgot/sent").text
