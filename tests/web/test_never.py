"""Never invite me again: pages, the button of mail programs, and what others may ask for."""

import email
import email.policy
import re

import pytest

from workers import packing
from workflows import invitations, moves, replies
from workflows.engine.db import db
from workflows.silences import Silence


@pytest.fixture
def ines(cast):
    return cast.account("Ines")


@pytest.fixture
def invitation(cast, ines):
    return cast.invitation(cast.organization(ines), "noor@acme.test", ines)


@pytest.fixture
def letter(cast, invitation):
    return cast.deliver()[-1]


def path(url):
    return url.partition("8000")[2]


def silences():
    db.session.rollback()
    return len(db.session.scalars(db.select(Silence)).all())


def test_opening_the_link_silences_nobody(client, letter):
    page = client.get(path(letter.facts["never_url"]), follow_redirects=True)

    assert (page.status_code, page.request.path) == (200, "/never")
    assert "noor@acme.test" not in page.text
    assert silences() == 0


def test_the_page_asks_for_the_address_and_takes_it_back(client, letter):
    client.get(path(letter.facts["never_url"]))

    wish = {"wish": "never", "email": "noor@acme.test"}

    assert client.post("/never", data={**wish, "email": "x@acme.test"}).status_code == 422
    client.post("/never", data=wish)
    assert "You get no more invitations" in client.get("/never").text
    assert silences() == 1
    client.post("/never", data={**wish, "wish": "again"})

    assert silences() == 0


def test_the_button_of_a_mail_program_works_without_cookie_or_form(app, letter, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    url, pressed = path(letter.facts["never_url"]), {"List-Unsubscribe": "One-Click"}

    assert app.test_client().post(url, data={}).status_code == 422
    assert silences() == 0
    for _ in range(2):
        assert app.test_client().post(url, data=pressed).status_code == 200

    assert silences() == 1


def test_the_header_holds_the_address_on_one_line(app, letter):
    mail = packing.pack(letter).content

    url = letter.facts["never_url"]
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in mail
    read = email.message_from_bytes(mail, policy=email.policy.default)
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_whoever_is_late_asks_behind_the_old_link(client, invitation, settings):
    settings.clock_offset += 15 * 86400
    client.get(path(invitations.link(invitation)))
    assert "Ask for a New Link" in client.get("/join").text
    assert "noor@acme.test" not in client.get("/join/ask").text

    assert client.post("/join/ask", data={"email": "x@acme.test"}).status_code == 422
    assert client.post("/join/ask", data={"email": "noor@acme.test"}).location == "/join/asked"

    assert "You asked for a new link" in client.get("/join/asked").text


def test_somebody_else_asks_for_a_move_and_an_admin_presses_one_button(
    client, cast, invitation, ines
):
    cy = cast.account("Cy")
    client.sign_in(cy)
    client.get(path(invitations.link(invitation)))
    assert "Ask to Move It to Your Address" in client.get("/join").text
    client.post("/join/move")
    assert "You asked to have it moved to cy@acme.test" in client.get("/join").text

    client.sign_in(ines)
    at = f"/acme/invitations/{invitation.id}"
    assert "cy@acme.test" in client.get(f"{at}/move").text
    stale = client.post(f"{at}/move", data={"asker_email": "cy@old.test"})
    assert stale.status_code == 422
    assert "has another address by now" in stale.text
    seen = {"asker_email": re.search('name="asker_email" value="([^"]+)"', stale.text)[1]}
    assert client.post(f"{at}/move?from=invitations", data=seen).location == "/acme/invitations"

    page = client.get("/acme/invitations").text
    assert "Instead of noor@acme.test." in page
    assert "Became cy@acme.test." in page
    assert moves.newest(invitation).state == "granted"


def test_an_admin_corrects_an_address_on_a_page_of_its_own(client, invitation, ines):
    client.sign_in(ines)
    at = f"/acme/invitations/{invitation.id}/correct"

    wrong = client.post(at, data={"email": "noor"})
    assert (wrong.status_code, "It has no @ sign." in wrong.text) == (422, True)
    client.post(at, data={"email": "nora@acme.test"})

    assert (
        "nora@acme.test is invited instead of noor@acme.test." in client.get("/acme/members").text
    )


def test_the_history_tells_each_of_these_in_a_sentence(client, invitation, ines, settings):
    client.sign_in(ines)
    settings.clock_offset += 2 * 86400
    invitations.extend(invitation, by=ines)
    settings.clock_offset += 15 * 86400
    replies.ask_again(invitation, "noor@acme.test", by=None)
    client.sign_in(ines)

    page = client.get("/acme/activity").text

    assert "more time" in page
    assert "asked for a new link" in page
