"""The mailbox of the embedded mode, and the page that shows all letters."""

import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

import web
from web import create_app
from web.letter_samples import samples
from workers import post, use
from workflows import accounts, operators, sessions
from workflows.engine.db import db
from workflows.engine.settings import Settings

HERE = "http://127.0.0.1:8000"
PRODUCTION = {
    "embedded": False, "base_url": "https://usher.test", "redis_url": "redis://redis.test",
    "smtp_url": "smtp://mail.test", "mail_from": "usher@usher.test",
    "secret_key": "a key for tests, long enough to be one", "trusted_hosts": "127.0.0.1",
}  # fmt: skip


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The mailbox and the letters page, on these settings."""
    monkeypatch.setattr(web, "PAGES", ("mailbox", "letters"))

    def make(**wishes):
        wishes = {"embedded": True, "secret_key": "k" * 32, "usher_home": tmp_path, **wishes}
        app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/usher.db", **wishes))
        use(app)
        with app.app_context():
            db.create_all()
        return app

    return make


def sign_up(app, name, email):
    """Somebody signs up, and the letter arrives."""
    with app.app_context():
        accounts.sign_up(name, email, "a password to test with")
        post.deliver_batch()


def listed(client):
    return client.get("/dev/mailbox.json", base_url=HERE).json


def test_an_empty_mailbox_says_what_will_come(site):
    page = site().test_client().get("/dev/mailbox", base_url=HERE)

    assert page.status_code == 200
    assert "No letters yet" in page.text


def test_letters_are_listed_newest_first(site):
    app = site()
    client = app.test_client()
    for name in ("Ann", "Bob", "Cyd"):
        sign_up(app, name, f"{name}@acme.test")

    assert [letter["to"] for letter in listed(client)] == [
        "Cyd@acme.test", "Bob@acme.test", "Ann@acme.test",
    ]  # fmt: skip
    page = client.get("/dev/mailbox", base_url=HERE).text
    assert page.index("Cyd@acme.test") < page.index("Bob@acme.test") < page.index("Ann@acme.test")


def test_the_list_says_what_a_program_needs(site):
    app = site()
    sign_up(app, "Ann", "ann@acme.test")

    [letter] = listed(app.test_client())

    assert set(letter) == {"id", "to", "from", "subject", "text", "html", "at"}
    assert letter["from"] == "usher@localhost"
    assert letter["subject"] == "Confirm your email for Usher"
    assert re.search(rf"^    {HERE}/signup/\S+$", letter["text"], re.M)
    assert letter["html"].startswith("<!DOCTYPE html>")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", letter["at"])


def test_a_letter_is_shown_with_links_to_follow(site):
    app = site()
    sign_up(app, "Ann", "ann@acme.test")
    client = app.test_client()
    [letter] = listed(client)
    path = f"/dev/mailbox/{quote(letter['id'])}"
    link = re.search(rf"{HERE}/signup/\S+", letter["text"])[0]

    page = client.get(path, base_url=HERE)
    inner = client.get(f"{path}/html", base_url=HERE)

    assert f'src="{path}/html"' in page.text
    assert f'href="{link}"' in page.text
    assert f'href="{link}"' in inner.text
    assert '<base target="_top">' in inner.text


def test_a_letter_can_run_nothing_and_is_framed_by_us_only(site):
    app = site()
    sign_up(app, "Ann", "ann@acme.test")
    client = app.test_client()
    path = f"/dev/mailbox/{quote(listed(client)[0]['id'])}"

    around = client.get(path, base_url=HERE).headers["Content-Security-Policy"]
    policy = client.get(f"{path}/html", base_url=HERE).headers["Content-Security-Policy"]

    assert "frame-src 'self'" in around
    assert "unsafe-inline" not in around
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-top-navigation-by-user-activation" in policy
    assert "frame-ancestors 'self'" in policy


def test_what_is_no_letter_is_not_found(site, tmp_path):
    app = site()
    sign_up(app, "Ann", "ann@acme.test")
    client = app.test_client()

    for name in ("x", "..%2Fusher", "../usher.db", "*", "letter-1", ".eml"):
        assert client.get(f"/dev/mailbox/{name}", base_url=HERE).status_code == 404
        assert client.get(f"/dev/mailbox/{name}/html", base_url=HERE).status_code == 404


PATHS = ("/dev/mailbox", "/dev/mailbox.json", "/dev/mailbox/x", "/dev/mailbox/x/html")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "wishes", [PRODUCTION, {"smtp_url": "smtp://mail.test"}, {"host": "0.0.0.0"}]
)
def test_there_is_no_mailbox_elsewhere(site, path, wishes):
    assert site(**wishes).test_client().get(path, base_url=HERE).status_code == 404


@pytest.mark.parametrize("path", PATHS[:2])
@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("127.0.0.1:8000", {200}),
        ("localhost:8000", {307, 308}),  # led to the name in the letters
        ("[::1]:8000", {307, 308}),
        ("evil.test", {404}),
        ("127.0.0.1.evil.test:8000", {404}),
        ("localhost.evil.test", {404}),
    ],
)
def test_the_mailbox_answers_to_names_of_this_machine_only(site, path, host, answers):
    client = site().test_client()

    for headers in ({"Host": host}, {"Host": host, "X-Forwarded-Host": "127.0.0.1"}):
        assert client.get(path, headers=headers).status_code in answers


def test_every_letter_is_shown_with_sample_facts(site):
    app = site()
    client = app.test_client()

    assert client.get("/letters", base_url=HERE).location == "/letters/confirm_sign_up"
    with app.app_context():
        names = list(samples())
    for name in names:
        page = client.get(f"/letters/{name}", base_url=HERE)
        html = client.get(f"/letters/{name}/html", base_url=HERE)
        text = client.get(f"/letters/{name}/text", base_url=HERE)
        assert page.text.count('href="/letters/') == len(names) + 2
        assert "<h1 " in html.text
        assert "unsafe-inline" in html.headers["Content-Security-Policy"]
        assert text.text.startswith("Subject: ")
        assert text.mimetype == "text/plain"
    assert client.get("/letters/base", base_url=HERE).status_code == 404


def test_in_production_only_operators_see_the_letters(site):
    app = site(**PRODUCTION)
    client, base = app.test_client(), "https://usher.test"
    with app.app_context():
        account = accounts.confirm(accounts.sign_up("Ann", "ann@acme.test", "a long password"))
        secret = sessions.open_session(account)

    def look():
        return client.get("/letters/token", base_url=base).status_code

    assert look() == 404
    with client.session_transaction(base_url=base) as cookie:
        cookie["sid"] = secret
    assert look() == 404
    with app.app_context():
        operators.make_operator("ann@acme.test")
    assert look() == 200


def test_no_link_of_a_letter_is_in_the_database(site, tmp_path):
    app = site()
    sign_up(app, "Ann", "ann@acme.test")
    [letter] = listed(app.test_client())
    sealed = re.search(r"/signup/(\S+)", letter["text"])[1]

    with sqlite3.connect(tmp_path / "usher.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert sealed.encode() not in Path(tmp_path / "usher.db").read_bytes()
