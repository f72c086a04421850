"""Token Access: a member's own token, without the token."""

from datetime import timedelta

import pytest
from flask import current_app

from web import clients
from workflows import departures, gate, seats, tokens, verdicts
from workflows.engine import outbox
from workflows.engine.db import command, now
from workflows.engine.stationery import moment
from workflows.gate import Use


@pytest.fixture
def acme(cast, ann):
    return cast.organization(ann, seats=2)


@pytest.fixture
def bob(cast, client, acme, ann):
    """A member with a seat, looking."""
    bob = cast.seated(acme, "Bob", ann)
    client.sign_in(bob.account)
    return bob


@pytest.fixture
def active(cast, bob):
    cast.secret(bob)
    return tokens.of(bob)


def press(client, what, **data):
    return client.post(f"/acme/token/{what}", data=data)


def page(browser, **query):
    answer = browser.get("/acme/token", query_string=query)
    assert answer.status_code == 200
    return answer.text


def use(generation, minutes=0, where="conda/24.9.2, 203.0.113.24"):
    gate.record_uses([Use(generation.id, now() - timedelta(minutes=minutes), where, True)])


def test_an_inactive_token_has_one_button(client, bob):
    shown = page(client)

    assert "Activate Token" in shown
    assert "bob@acme.test" in shown
    assert "Reissue Token" not in shown
    assert shown.count("btn-primary") == 1


def test_activating_mails_the_token_and_never_shows_it(cast, client, bob):
    answer = press(client, "activate")

    assert (answer.status_code, answer.location) == (303, "/acme/token")
    assert "On its way to bob@acme.test" in page(client)
    secret = cast.deliver()[-1].facts["token"]
    shown = page(client)
    assert "handed over" in shown
    assert secret not in shown


def test_a_second_click_on_activate_is_refused_kindly(client, bob):
    press(client, "activate")

    answer = press(client, "activate")

    assert answer.status_code == 409
    assert "This token is active already. Its letter was mailed to you." in answer.text


def test_the_page_says_when_and_from_where_it_was_used(client, active):
    assert "Not yet" in page(client)

    use(active.current, minutes=4)

    assert "conda/24.9.2 from 203.0.113.24" in page(client)


def test_a_reissued_token_ends_the_old_one_at_once_unless_asked(client, active):
    assert press(client, "reissue", generation=1).status_code == 303

    shown = page(client)
    assert "The old one has ended." in shown
    assert "End Old Token Now" not in shown
    assert "Generation 2" in shown


@pytest.mark.parametrize(("hours", "words"), [(1, "1 hour"), (24, "24 hours")])
def test_an_old_token_that_lives_is_shown_with_its_end(client, active, hours, words):
    press(client, "reissue", generation=1, hours=hours)
    use(active.generations[0])

    shown = page(client)

    assert f"The old token dies in {words}" in shown
    assert moment(active.old[0].ends_at) in shown
    assert "that machine still needs the new one" in shown
    assert "<rect" in shown


def test_the_old_token_can_be_ended_now(client, active):
    press(client, "reissue", generation=1, hours=24)

    assert press(client, "end-old").status_code == 303
    assert "End Old Token Now" not in page(client)
    assert "The old token has ended already." in press(client, "end-old").text


def test_several_old_tokens_are_told_apart(client, active):
    press(client, "reissue", generation=1, hours=24)
    press(client, "reissue", generation=2, hours=24)

    shown = page(client)

    assert "The last old token dies in" in shown
    assert "Generation 1:" in shown
    assert "Generation 2:" in shown


def test_a_second_click_on_reissue_makes_no_third_token(client, active):
    press(client, "reissue", generation=1, hours=24)

    answer = press(client, "reissue", generation=1, hours=24)

    assert answer.status_code == 409
    assert "This token was reissued a moment ago." in answer.text
    assert active.generation == 2


@pytest.mark.parametrize(
    "data",
    [
        {"generation": 1, "hours": 5},
        {"generation": 1, "hours": "x"},
        {"generation": "1.5", "hours": 1},
        {"generation": "", "hours": 1},
        {"hours": 1},
        {"generation": 1, "hours": -1},
        {"generation": 1, "hours": 10**9},
        {"generation": 1, "hours": 1, "token_id": 7},
    ],
)
def test_a_forged_form_changes_nothing(client, active, data):
    answer = press(client, "reissue", **data)

    assert answer.status_code == 422
    assert "is-bad" in answer.text or "is-red" in answer.text
    assert active.generation == 1


def test_a_letter_that_bounced_says_so_and_what_to_do(client, bob):
    press(client, "activate")
    claims = outbox.claim(100, "test")
    newest = max(claims, key=lambda claim: claim.letter_id)
    outbox.bounced(newest, "550 5.1.1 No such <b>mailbox</b>.")

    shown = page(client)

    assert "Bounced" in shown
    assert "550 5.1.1 No such &lt;b&gt;mailbox&lt;/b&gt;." in shown
    assert "reissue the token below" in shown


def test_a_letter_put_off_shows_what_the_mail_server_said(client, bob):
    press(client, "activate")
    newest = max(outbox.claim(100, "test"), key=lambda claim: claim.letter_id)
    outbox.later(newest, "451 4.7.1 Greylisted.")

    assert "The mail server asked us to wait: 451 4.7.1 Greylisted." in page(client)


def test_without_a_seat_the_page_says_whom_to_ask(cast, client, acme, ann):
    client.sign_in(cast.member(acme, "Cy", ann).account)

    shown = page(client)

    assert "You have no seat" in shown
    assert "Ask for a Seat" in shown
    assert "It reaches <b" in shown
    assert "Ann" in shown
    assert 'href="/acme/token"' not in shown  # no line in the left column


def test_an_admin_without_a_seat_is_led_to_one(client, acme, ann):
    client.sign_in(ann)

    assert "Assign a Seat" in page(client)


def test_a_seat_revoked_meanwhile_is_told_on_the_next_click(client, ann, bob, active):
    seats.revoke(bob, by=ann)

    for what in ("activate", "reissue", "end-old"):
        answer = press(client, what, **({"generation": 1} if what == "reissue" else {}))
        assert answer.location == "/acme/token"
    assert "You have no seat" in page(client)
    assert client.get("/acme/token", headers={"HX-Request": "true"}).headers["HX-Refresh"]


def test_whoever_was_removed_meanwhile_finds_nothing(client, ann, bob, active):
    departures.remove(bob, by=ann)

    assert client.get("/acme/token").status_code == 404
    refused = client.post(
        "/acme/token/reissue",
        data={"generation": 1},
        headers={"Referer": "http://localhost/acme/token"},
    )
    assert refused.status_code == 404
    assert "Go to Your Organizations" in refused.text
    assert "Go Back" not in refused.text  # that page is closed too


def test_strangers_find_nothing_and_nobody_is_led_to_the_login(cast, client, bob):
    client.sign_in(cast.account("Eve"))
    assert client.get("/acme/token").status_code == 404
    assert press(client, "activate").status_code == 404

    nobody = current_app.test_client()
    assert nobody.get("/acme/token").location == "/login?next=/acme/token"


@pytest.mark.parametrize("reason", verdicts.HOLDS)
def test_a_hold_on_the_organization_is_told(client, acme, active, reason):
    command(verdicts.hold)(acme.id, reason)

    shown = page(client)

    assert gate.SENTENCES[reason] in shown
    assert "Your seat and your token are kept." in shown


def test_the_page_shows_the_lines_of_the_letter(settings, active, client):
    module = current_app.jinja_env.get_template("email/commands.jinja").make_module(
        {"token": "TOKEN", "base_url": settings.base_url, "repo_url": settings.base_url + "/repo/"}
    )

    for client_name, (_, lines) in zip(clients.TABS, module.clients, strict=True):
        steps = clients.steps(client_name)
        written = "\n".join("".join(text for text, _ in step.pieces) for step in steps)
        assert written.splitlines() == lines
        assert all(step.title in page(client, client=client_name) for step in steps)


def test_only_the_readers_own_words_are_marked(client, active):
    conda = page(client, client="conda")
    assert "CONDA_TOKEN_REPO_URL" in conda
    assert 'conda token set <mark class="text-nowrap">TOKEN</mark>' in conda

    assert "conda token set" in page(client, client="nonsense")
    assert 'Bearer <mark class="text-nowrap">TOKEN</mark>' in page(client, client="curl")
