"""Pages are served under Usher's own names only."""

import pytest

from web import create_app
from workflows.engine.db import db
from workflows.engine.settings import Settings

WISHES = {
    "secret_key": "Xq3-uT8vLr0_zKe5Yw2bNs7dHf1cJg9mPa4o",
    "redis_url": "redis://127.0.0.1:1",
    "smtp_url": "smtp://127.0.0.1:1",
    "mail_from": "usher@acme.test",
    "base_url": "https://usher.acme.test",
    "trusted_hosts": "Other.acme.test, [::1]",
}


@pytest.fixture
def site(database, tmp_path):
    """The site as in production, and whoever asks it."""
    app = create_app(Settings(database_url=database, usher_home=tmp_path, **WISHES))
    with app.app_context():
        yield app.test_client()
        db.session.remove()
        db.engine.dispose()


def ask(site, host, path="/login", **more):
    return site.get(path, base_url="https://usher.acme.test", headers={"Host": host, **more})


@pytest.mark.parametrize(
    "host",
    ["usher.acme.test", "USHER.acme.test:443", "usher.acme.test:8000", "other.acme.test", "[::1]",
     "usher.acme.test."],
)  # fmt: skip
def test_our_own_names_are_answered(site, host):
    assert ask(site, host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.test", "usher.acme.test.evil.test", "evil.test:443", "127.0.0.1", "usher.acme.test@evil",
     "usher.acme.test:evil", "acme.test", "[", ""],
)  # fmt: skip
def test_a_strange_name_is_refused_whatever_is_asked(site, host):
    for path in ("/login", "/", "/static/usher.css", "/no/such/page", "/acme/home"):
        answer = ask(site, host, path, Accept="text/html")

        assert answer.status_code == 400
        assert "Set-Cookie" not in answer.headers
        assert "evil" not in answer.text


def test_whoever_comes_by_a_strange_name_is_told_the_right_one(site):
    answer = ask(site, "10.0.0.7", Accept="text/html")

    assert "Usher answers under its own name only." in answer.text
    assert 'href="https://usher.acme.test"' in answer.text


def test_a_proxys_word_for_the_name_is_not_believed(site):
    forwarded = {"X-Forwarded-Host": "usher.acme.test", "Forwarded": "host=usher.acme.test"}

    assert ask(site, "evil.test", **forwarded).status_code == 400
    page = ask(site, "usher.acme.test", "/forgot", **{"X-Forwarded-Host": "evil.test"})
    assert page.status_code == 200
    assert "evil.test" not in page.text


def test_a_form_under_a_strange_name_changes_nothing(site):
    answer = site.post("/signup", data={"name": "Ann"}, headers={"Host": "evil.test"})

    assert answer.status_code == 400
    assert "its own name only" in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_may_ask_by_any_name(site, path):
    assert ask(site, "10.0.0.7:8000", path).status_code in (200, 503)
    assert "own name" not in ask(site, "10.0.0.7:8000", path).text


def test_a_proxy_may_ask_the_gate_by_a_name_of_its_own(site):
    assert ask(site, "usher.internal:8000", "/gate").status_code == 401
