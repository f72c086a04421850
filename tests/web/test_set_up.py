"""What is left after an organization was formed: steps, the logo, the billing contact."""

import io

import pytest
from drawings import picture
from people import CARD

from workflows import billing_contacts, invoices, organizations, roles, seats, subscriptions
from workflows.engine import png, seals
from workflows.engine.db import db
from workflows.logos import Logo
from workflows.setups import SkippedStep


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines)


def upload(client, content, name="logo.png"):
    file = {"file": (io.BytesIO(content), name)}
    return client.post("/acme/settings/logo", data=file, content_type="multipart/form-data")


def skip(client, step):
    return client.post("/acme/home/skip", data={"step": step})


def test_a_new_organization_has_five_steps_before_it_and_each_is_a_link(client, acme):
    page = client.get("/acme/home").text

    assert "Left to do" in page
    assert "1 of 6 done" in page
    for place in (
        "invitations/new",
        "subscriptions",
        "members",
        "billing-contact",
        "settings#logo",
    ):
        assert f'href="/acme/{place}"' in page
    assert page.count(">Skip<") == 5


def test_a_step_is_skipped_and_finished_later(client, acme):
    assert skip(client, "logo").location == "/acme/home"
    page = client.get("/acme/home").text
    assert page.count(">Skip<") == 4
    assert '<a href="/acme/settings#logo">Add a logo</a><span class="u-small u-3">Skipped' in page

    upload(client, picture())

    page = client.get("/acme/home").text
    assert "2 of 6 done" in page
    assert ">Skipped<" not in page


def test_when_all_is_done_or_skipped_nobody_is_asked_any_more(client, acme):
    for step in ("invite", "buy", "assign", "contact", "logo"):
        skip(client, step)

    page = client.get("/acme/home").text

    assert "Left to do" not in page
    assert "<h2>Skipped</h2>" in page
    assert page.count('class="u-small u-3">Skipped') == 5


def test_when_all_is_done_the_list_is_gone(client, cast, ines):
    acme = cast.organization(ines, seats=1)
    seats.assign(cast.member(acme, "Bo", by=ines), by=ines)
    upload(client, picture())
    client.post("/acme/billing-contact", data={"name": "Acme", "address": ""})

    page = client.get("/acme/home").text

    assert "Left to do" not in page
    assert "Skipped" not in page


def test_skipping_is_history_and_twice_is_once(client, acme):
    skip(client, "logo"), skip(client, "logo")

    page = client.get("/acme/activity").text

    assert page.count("left a step of the set-up for later") == 1
    assert "Add a logo." in page
    assert db.session.query(SkippedStep).count() == 1


def test_a_step_that_is_none_is_refused_in_a_sentence(client, acme):
    answer = skip(client, "form")

    assert answer.status_code == 422
    assert "There is no such step." in answer.text


def test_the_logo_stands_beside_the_name_and_on_the_invitation(client, cast, acme, ines):
    upload(client, picture())
    shown = f"/acme/logo?v={organizations.by_slug('acme').logo}"

    assert f'src="{shown}" alt=""' in client.get("/acme/home").text
    answer = client.get(shown)
    assert answer.data == png.rewrite(picture())
    assert answer.mimetype == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "inline; filename=logo.png"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert client.get("/acme/logo").headers["Cache-Control"] == "no-store"


def test_whoever_holds_the_link_sees_the_logo_and_nobody_else(client, app, cast, acme, ines):
    upload(client, picture())
    asked = cast.invitation(acme, "bo@acme.test", ines)
    guest = app.test_client()
    assert guest.get("/join/logo").status_code == 404
    assert guest.get("/acme/logo").status_code == 303

    guest.get(f"/join/{seals.seal('join', asked.id, asked.round)}")

    assert f'src="/join/logo?v={acme.logo}"' in guest.get("/join").text
    assert guest.get("/join/logo").data == client.get("/acme/logo").data
    client.sign_in(cast.account("Mallory"))
    assert client.get("/acme/logo").status_code == 404


def test_a_logo_is_replaced_and_removed(client, acme):
    upload(client, picture())
    first = organizations.by_slug("acme").logo
    upload(client, picture(colour=6))
    assert organizations.by_slug("acme").logo != first
    assert db.session.query(Logo).count() == 1

    client.post("/acme/settings/logo/remove")

    assert organizations.by_slug("acme").logo is None
    assert db.session.query(Logo).count() == 0
    assert client.get("/acme/logo").status_code == 404
    page = client.get("/acme/activity").text
    assert page.count("changed the logo") == 2
    assert "removed the logo" in page


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "Choose a PNG file."),
    (b"<svg onload='alert(1)'/>", "This file is SVG. Save it as PNG."),
    (picture(width=2000), "At most 1,024 × 1,024 can be used."),
    (picture()[:-20], "This picture is damaged."),
    (b"\x89PNG\r\n\x1a\n" + bytes(600_000), "This file is larger than 500 kB."),
], ids=lambda it: str(it)[:20])  # fmt: skip
def test_a_hostile_file_gets_a_sentence_beside_the_field(client, acme, content, sentence):
    answer = upload(client, content)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'id="file-said"' in answer.text
    assert organizations.by_slug("acme").logo is None


def test_a_name_of_a_file_decides_nothing(client, acme):
    answer = upload(client, picture(), name="../../<script>.svg")

    assert answer.status_code == 303
    assert client.get("/acme/logo").mimetype == "image/png"


def test_an_invoice_is_made_out_to_the_contact_of_its_day(client, acme, ines):
    typed = {"name": "Acme Holding", "address": " 1 Long Road \r\n\r\n Bergen "}
    client.post("/acme/billing-contact", data=typed)
    chosen = subscriptions.begin(acme, 2, "monthly", by=ines)
    subscriptions.pay(chosen, CARD, by=ines)
    client.post("/acme/billing-contact", data={"name": "Somebody Else", "address": ""})

    [bill] = invoices.of_organization(acme)
    page = client.get(f"/acme/subscriptions/invoices/{bill.id}").text

    assert bill.billed_to == "Acme Holding\n1 Long Road\nBergen"
    assert "Acme Holding<br>1 Long Road<br>Bergen" in page
    assert "Somebody Else" not in page


def test_the_contact_can_be_removed_and_is_shown_as_it_was_typed(client, acme):
    client.post("/acme/billing-contact", data={"name": "Acme Holding", "address": "1 Road\nOslo"})
    page = client.get("/acme/billing-contact").text
    assert 'value="Acme Holding"' in page
    assert ">1 Road\nOslo</textarea>" in page

    client.post("/acme/billing-contact/remove")

    assert billing_contacts.of(acme) is None
    page = client.get("/acme/activity").text
    assert "changed the billing contact" in page
    assert "removed the billing contact" in page


@pytest.mark.parametrize(("typed", "sentence"), [
    ({"name": "", "address": ""}, "Type a name."),
    ({"name": "Acme", "address": "a\n" * 7}, "An address has at most 6 lines."),
    ({"name": "Acme", "address": "a" * 81}, "One line has more than 80 characters."),
    ({"name": "Acme", "address": "a" * 100_000}, "An address has at most 6 lines."),
    ({"name": "Acme", "address": "a\u202eb"}, "contains characters that cannot be shown."),
], ids=str)  # fmt: skip
def test_a_contact_that_cannot_be_says_why_and_stays_as_typed(client, acme, typed, sentence):
    answer = client.post("/acme/billing-contact", data=typed)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{typed["name"]}"' in answer.text
    assert f">{typed['address']}</textarea>" in answer.text
    assert billing_contacts.of(acme) is None


def test_a_billing_admin_writes_the_contact_and_no_more(client, acme, cast, ines):
    bo = cast.member(acme, "Bo", by=ines)
    roles.make_billing_admin(bo, by=ines)
    client.sign_in(bo.account)

    written = client.post("/acme/billing-contact", data={"name": "Acme", "address": ""})

    assert written.status_code == 303
    assert "/acme/billing-contact" in client.get("/acme/subscriptions").text
    assert upload(client, picture()).status_code == 403
    assert skip(client, "logo").status_code == 403
