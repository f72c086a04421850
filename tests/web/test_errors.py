import re

import pytest
from flask import render_template_string
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import TooManyRequests

from web import forms
from workflows.engine.refusals import Invalid, NotAllowed, NotFound, NotNow, Unavailable

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
FORM = """
{% extends "pages/door.html" %}{% from "pages/macros.html" import field %}
{% block title %}Boat{% endblock %}
{% block page %}<h1>Boat</h1><form>{{ field("name", "Name") }}</form>{% endblock %}
"""


class Boat(BaseModel):
    name: str
    sail: str = ""


@pytest.fixture
def refuse(app):
    """An address, /dev/deed, that says no in the given way."""

    def refuse(error):
        def deed():
            raise error

        app.add_url_rule("/dev/deed", view_func=deed, methods=["GET", "POST"])

    return refuse


@pytest.fixture
def boat(app):
    """A page with a form whose commands say no."""

    def post():
        form = forms.read(Boat)
        raise Invalid(
            name=f"“{form.name}” is taken.", **({"sail": "No sail."} if form.sail else {})
        )

    app.add_url_rule("/dev/boat", "get", lambda: render_template_string(FORM))
    app.add_url_rule("/dev/boat", "post", post, methods=["POST"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAllowed("Only an admin may."), 403),
        (NotFound("There is no such boat."), 404),
        (NotNow("The boat has sailed."), 409),
        (Invalid(name="A boat has a name."), 422),
        (Unavailable("Usher is busy."), 503),
    ],
)
def test_a_refusal_is_a_page_a_fragment_or_a_problem(client, refuse, error, status):
    refuse(error)

    page = client.post("/dev/deed", headers=HTML)
    fragment = client.post("/dev/deed", headers={"HX-Request": "true", **HTML})
    problem = client.post("/dev/deed", headers=JSON)

    assert {page.status_code, fragment.status_code, problem.status_code} == {status}
    assert str(error) in page.text
    assert "<title>" in page.text
    assert str(error) in fragment.text
    assert "<html" not in fragment.text
    assert problem.content_type == "application/problem+json"
    assert problem.json["detail"] == str(error)
    assert (page.headers.get("Retry-After") == "5") == (status == 503)


def test_a_mistake_shows_the_form_again_with_what_was_typed(client, boat):
    answer = client.post("/dev/boat", data={"name": "<b>Ark"})

    assert answer.status_code == 422
    assert "<title>Error: Boat · Usher</title>" in answer.text
    assert 'value="&lt;b&gt;Ark"' in answer.text
    assert "“&lt;b&gt;Ark” is taken." in answer.text
    [field] = re.findall("<input[^>]*>", answer.text)
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="name-said"' in field
    assert "autofocus" in field


def test_a_mistake_in_a_field_that_is_not_shown_is_said_on_top(client, boat):
    answer = client.post("/dev/boat", data={"name": "Ark", "sail": "red"})

    assert answer.text.index("No sail.") < answer.text.index("<h1>")
    assert answer.text.count("is taken.") == 1


def test_the_mistakes_of_one_request_are_gone_in_the_next(client, boat):
    client.post("/dev/boat", data={"name": "Ark"})

    assert "Error" not in client.get("/dev/boat").text


def test_a_mistake_at_an_address_without_a_page_is_a_page_of_its_own(app, client):
    def deed():
        raise Invalid(days="Choose between 1 and 60 days.")

    app.add_url_rule("/dev/days", view_func=deed, methods=["POST"])

    answer = client.post("/dev/days", headers={"Referer": "http://localhost/signup?a=b"})

    assert answer.status_code == 422
    assert "Choose between 1 and 60 days." in answer.text
    assert 'href="/signup?a=b"' in answer.text


@pytest.mark.parametrize(
    "referer",
    ["https://evil.test/signup", "http://localhost//evil.test", "http://[", "http://localhost/\\x",
     "http://localhost/no/such/page"],
)  # fmt: skip
def test_a_refusal_leads_back_to_our_own_pages_only(client, refuse, referer):
    refuse(NotNow("The boat has sailed."))

    answer = client.post("/dev/deed", headers={"Referer": referer})

    assert answer.status_code == 409
    assert "Go Back" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (StaleDataError(), 409, "Somebody else changed this a moment ago."),
        (OperationalError("SELECT", {}, Exception()), 503, "Try again in a few seconds."),
        (TooManyRequests(), 429, "Too many tries in a short time."),
    ],
)
def test_trouble_that_passes_is_told_as_such(client, refuse, error, status, sentence):
    refuse(error)

    answer = client.get("/dev/deed")

    assert answer.status_code == status
    assert sentence in answer.text


def test_a_mistake_of_ours_says_so_and_nothing_else(app, client, refuse):
    app.testing = False
    refuse(RuntimeError("the secret inside"))

    answer = client.get("/dev/deed", headers=HTML)

    assert answer.status_code == 500
    assert "This is our mistake" in answer.text
    assert "secret inside" not in answer.text
    assert "RuntimeError" not in answer.text


def test_without_a_database_operators_are_told_that_and_led_back_to_it(app, client):
    def lost():
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    app.view_functions["status.show"] = lost

    page = client.get("/status?all=1")
    polled = client.get("/status", headers={
        "HX-Request": "true", "Referer": "http://localhost/status?all=1"})  # fmt: skip

    for answer in (page, polled):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "database does not answer, so nothing can be told of what is stuck" in answer.text
        assert 'href="/status?all=1">Try Again<' in answer.text
    assert "connection refused" not in page.text + polled.text


def test_without_a_database_pages_answer_503(app, client, cast, monkeypatch):
    client.sign_in(cast.account("Ada"))

    def lost(secret):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr("workflows.sessions.session_of", lost)

    assert client.get("/profile").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_an_unknown_page_and_an_unknown_method_have_a_way_on(client):
    missing = client.get("/no/such/page")
    wrong = client.post("/healthz")

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert 'href="/login"' in missing.text
    assert "GET" in wrong.headers["Allow"]


def test_a_form_without_our_secret_is_refused_with_a_way_back(app, client, cast):
    client.sign_in(cast.account("Ada"))
    app.config["WTF_CSRF_ENABLED"] = True

    answer = client.post("/logout", headers={"Referer": "http://localhost/profile"})

    assert answer.status_code == 400
    assert "Nothing was changed." in answer.text
    assert 'href="/profile"' in answer.text
    assert client.get("/profile").status_code == 200


def test_a_form_with_our_secret_is_taken_without_javascript(app, client, cast):
    cast.account("Ada")
    app.config["WTF_CSRF_ENABLED"] = True
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)[1]

    login = {"email": "ada@acme.test", "password": "a password to test with"}
    answer = client.post("/login", data={**login, "csrf_token": token})

    assert answer.location == "/organizations"


def test_whoever_is_not_logged_in_is_asked_to_be(client):
    assert client.get("/profile?x=1").location == "/login?next=/profile%3Fx%3D1"
    assert client.get("/profile", headers=JSON).status_code == 401
    assert client.get("/profile", headers={"HX-Request": "true"}).status_code == 401


def test_an_organization_is_the_same_nothing_to_strangers_as_what_does_not_exist(client, cast):
    cast.organization(cast.account("Ann"), "Acme")
    client.sign_in(cast.account("Eve"))
    client.get("/profile")  # the cookie is complete

    there, nowhere = client.get("/acme/home"), client.get("/nope/home")

    assert there.status_code == nowhere.status_code == 404
    token = re.compile(r'"[\w-]+\.[\w-]+\.[\w-]+"')
    assert token.sub("", there.text) == token.sub("", nowhere.text)
    assert list(there.headers.keys()) == list(nowhere.headers.keys())


def test_capitals_in_an_address_become_small(client, cast):
    ann = cast.account("Ann")
    cast.organization(ann, "Acme")
    client.sign_in(ann)

    answer = client.get("/Acme/members?turn=yours&q=a%26b")

    assert (answer.status_code, answer.location) == (308, "/acme/members?turn=yours&q=a%26b")


@pytest.mark.parametrize("number", ["0", "01", "-1", "99999999999", "2147483648", "1e3", "%D9%A3"])
def test_a_number_that_no_row_can_have_is_no_address(client, cast, number):
    ann = cast.account("Ann")
    cast.organization(ann, "Acme")
    client.sign_in(ann)

    assert client.post(f"/acme/members/{number}/assign").status_code == 404


def test_every_page_keeps_to_itself(client):
    headers = client.get("/login").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/join/x").headers["Referrer-Policy"] == "no-referrer"


def test_pages_hold_no_inline_script_or_style(client, cast):
    client.sign_in(cast.account("Ann"))

    for path in ("/login", "/signup", "/profile", "/organizations", "/no/such/page"):
        page = client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page), path


def test_another_name_of_this_machine_leads_to_the_one_in_the_letters(client):
    elsewhere = {"base_url": "http://localhost:8000"}

    answer = client.get("/login?next=/profile", **elsewhere)

    assert answer.location == "http://127.0.0.1:8000/login?next=/profile"
    assert client.get("/login", base_url="http://127.0.0.1:8000").status_code == 200
    assert client.post("/logout", **elsewhere).location == "/login"


@pytest.mark.parametrize("host", ["[", "a b", "127.0.0.1:port", "[::1", "evil.test"])
def test_a_strange_host_is_no_crash(client, host):
    assert client.get("/login", headers={"Host": host}).status_code in (200, 400)


def test_a_kept_file_has_an_address_of_its_own_for_each_version(client):
    address = re.search(r'href="(/static/usher.css[^"]*)"', client.get("/login").text)[1]

    answer = client.get(address)

    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
