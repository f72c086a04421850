"""What a limit looks like in the browser: a sentence that says when, the same for everybody."""

import re

import pytest
from people import PASSWORD

from web import create_app
from workflows import invitations, sessions
from workflows.engine import embedded, outbox, seals
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.limits import Bucket

WRONG = {"password": "not the password of anybody"}
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture(autouse=True)
def slowly(settings):
    """Limits that do not loosen while a slow machine runs a test."""
    settings.limit_log_in = "10/5h"
    settings.limit_links = "20/20h"
    settings.limit_again = "1/10m"


def without_tokens(answer):
    """The page but for its CSRF tokens, which are others in every session."""
    return without_tokens_in(answer.text)


def without_tokens_in(page):
    return re.sub(r'"[\w-]+\.[\w-]+\.[\w-]+"', '""', page)


def test_too_many_wrong_passwords_are_told_when_to_try_again(client, ann):
    answers = [client.post("/login", data={"email": ann.email, **WRONG}) for _ in range(11)]

    assert [one.status_code for one in answers] == [422] * 10 + [429]
    assert "Too many tries. Try again in 30 minutes." in answers[-1].text
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 1800


def test_known_and_unknown_addresses_hear_the_same_also_at_the_limit(app, ann):
    told = []
    for number, email in enumerate(("ann@acme.test", "nobody@acme.test")):
        browser = app.test_client()
        here = {"REMOTE_ADDR": f"192.0.2.{number}"}
        for path, form in (("/login", WRONG), ("/forgot", {})):
            data, answers = {"email": email, **form}, []
            for _ in range(11):
                answers.append(browser.post(path, data=data, environ_overrides=here))
            shown = [without_tokens(one).replace(email, "") for one in answers]
            told.append(
                [(a.status_code, a.location, text) for a, text in zip(answers, shown, strict=True)]
            )

    assert told[:2] == told[2:]


def test_the_owners_browser_gets_in_while_somebody_guesses_elsewhere(app, client, ann):
    right = {"email": ann.email, "password": PASSWORD}
    client.post("/login", data=right)
    client.post("/logout")
    for _ in range(11):
        guess = {"email": ann.email, **WRONG}
        app.test_client().post("/login", data=guess, environ_overrides=ELSEWHERE)

    assert app.test_client().post("/login", data=right).status_code == 429
    assert client.post("/login", data=right).status_code == 303


def test_an_emptied_cache_or_another_process_forgets_no_limit(app, settings, ann):
    for _ in range(10):
        app.test_client().post("/login", data={"email": ann.email, **WRONG})

    another = create_app(settings)
    another.config["WTF_CSRF_ENABLED"] = False
    answer = another.test_client().post("/login", data={"email": ann.email, "password": PASSWORD})

    assert answer.status_code == 429


@pytest.mark.parametrize("purpose", ["join", "signup", "reset"])
def test_whoever_guesses_at_links_is_told_to_wait_and_writes_no_more_rows(client, ann, purpose):
    guesses = [client.get(f"/{purpose}/W10.guess{number}") for number in range(25)]
    rows = db.session.scalars(db.select(Bucket.empty_at)).all()

    assert [one.status_code for one in guesses] == [404] * 20 + [429] * 5
    assert client.get(f"/{purpose}/W10.guess").status_code == 429
    assert db.session.scalars(db.select(Bucket.empty_at)).all() == rows
    elsewhere = client.get(f"/{purpose}/W10.guess", environ_overrides=ELSEWHERE)
    assert elsewhere.status_code == 404


def test_good_links_are_not_counted(client, cast, ann):
    invitation = cast.invitation(cast.organization(ann), "bob@acme.test", ann)

    link = f"/join/{seals.seal('join', invitation.id)}"

    assert {client.get(link).status_code for _ in range(40)} == {303}


def test_passwords_on_the_page_of_an_invitation_are_guesses_too(client, cast, ann):
    bob = cast.account("Bob")
    invitation = cast.invitation(cast.organization(ann), bob.email, ann)
    client.get(f"/join/{seals.seal('join', invitation.id)}")

    answers = [client.post("/join/login", data=WRONG).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]
    assert invitation.state == "sent"


def test_each_address_of_a_list_hears_of_its_own_limit(client, cast, ann):
    acme = cast.organization(ann)
    for _ in range(3):
        invitations.revoke(cast.invitation(acme, "eve@x.test", ann), by=ann)
    client.sign_in(ann)

    page = client.post(
        "/acme/invitations/new", data={"addresses": "eve@x.test bob@x.test"}, follow_redirects=True
    ).text

    assert "The letter is on the way" in page
    assert "Not now" in page
    assert "You have asked this address often enough lately. Try again" in page


def test_an_inviter_sees_nothing_of_others_who_asked_the_same_address(client, cast, ann):
    """The letter to Eve waits for its turn, and looks like one that only now was written."""
    for number in range(3):
        cast.invitation(cast.organization(ann, f"Place {number}"), "eve@x.test", ann)
    acme = cast.organization(ann)
    client.sign_in(ann)
    ids = [cast.invitation(acme, f"{who}@x.test", ann).id for who in ("eve", "bob")]

    def pages():
        """Both persons' pages, but for moments, and for who it is."""
        texts = [client.get(f"/acme/invitations/{one}").text.partition("<main")[2] for one in ids]
        alike = [text.replace("bob@", "eve@").replace(f"/{ids[1]}", f"/{ids[0]}") for text in texts]
        return [re.sub(r"<time .*?</time>", "", text) for text in alike]

    eve, bob = pages()
    assert without_tokens_in(eve) == without_tokens_in(bob)
    for claim in outbox.claim(100, "test"):
        assert outbox.compose(claim) is None or outbox.sent(claim, "250 OK")
    for _ in range(2):  # it is asked again and again
        held = db.session.scalar(db.select(Letter).where(Letter.state == "pending"))
        held.due_at = held.posted_at
        db.session.commit()
        [claim] = outbox.claim(1, "test")
        assert outbox.compose(claim) is None
    after, sent = pages()

    assert without_tokens_in(after) == without_tokens_in(eve)
    assert "handed over" in sent


def test_logging_out_clears_what_the_browser_kept(client, ann):
    client.sign_in(ann)

    answer = client.post("/logout")

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.parametrize("base_url", ["https://usher.test", "HTTPS://usher.test"])
def test_with_https_the_cookie_is_for_this_host_and_this_transport_only(
    settings, app, ann, base_url
):
    secure = create_app(settings.model_copy(update={"base_url": base_url}))
    secure.config["WTF_CSRF_ENABLED"] = False
    form = {"email": ann.email, "password": PASSWORD}

    answer = secure.test_client().post("/login", data=form, base_url="https://usher.test")

    [cookie] = answer.headers.getlist("Set-Cookie")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith("__Host-usher=")
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]


def test_the_secret_of_a_session_is_another_after_log_in_and_rests_nowhere(client, app, ann):
    client.get("/signup/W10.x")
    client.post("/forgot", data={"email": ann.email})
    for _ in range(2):
        client.post("/login", data={"email": ann.email, "password": PASSWORD})
    with client.session_transaction() as cookie:
        secret = cookie["sid"]

    client.post("/login", data={"email": ann.email, "password": PASSWORD})

    with client.session_transaction() as cookie:
        assert cookie["sid"] != secret
    assert sessions.session_of(secret) is None
    digests = db.session.scalars(db.select(sessions.Session.digest)).all()
    assert secret.encode() not in digests


@pytest.fixture
def tried(monkeypatch, settings, tmp_path):
    """The settings of `./usher up`, with these in its environment, on the database of this test."""

    def tried(**environment):
        for name in type(settings).model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in {"USHER_HOME": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, value)
        ours = embedded.read_settings()
        ours.secret_key = settings.secret_key
        return ours

    return tried


def test_one_person_tries_out_everybody_without_meeting_a_limit(app, tried):
    trial = create_app(tried())
    trial.config["WTF_CSRF_ENABLED"] = False
    browser = trial.test_client()

    signed_up = {"name": "Somebody", "password": PASSWORD}
    answers = [
        browser.post("/signup", data={"email": f"somebody{number % 30}@acme.test", **signed_up})
        for number in range(60)
    ]

    assert {answer.location for answer in answers} == {"/signup/sent"}


def test_limits_that_somebody_set_and_those_for_real_mail_stay(tried):
    usual = type(tried()).model_fields

    chosen = tried(LIMIT_SIGN_UP="2/1h", PROOF_MINUTES="3")
    mailing = tried(SMTP_URL="smtp://127.0.0.1")

    assert (chosen.limit_sign_up, chosen.proof_minutes) == ("2/1h", 3)
    assert chosen.limit_recipient == "300/1d, 1000/30d"
    assert mailing.limit_sign_up == usual["limit_sign_up"].default
    assert mailing.proof_minutes == usual["proof_minutes"].default
