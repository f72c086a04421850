import io
import re

import pytest

from workflows import invitations
from workflows.engine import outbox


@pytest.fixture
def ines(cast, client):
    account = cast.account("Ines")
    client.sign_in(account)
    return account


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines)


def outcomes(page):
    """Each address of the list with its word."""
    return re.findall(
        r'<li><span class="u-cut u-mono"[^>]*>([^<]*)</span><span[^>]*>(?:<svg.*?</svg>)?([^<]*)',
        page,
    )


def upload(client, content, name="people.csv"):
    file = (io.BytesIO(content), name)
    answer = client.post("/acme/invitations/new", data={"addresses": "", "file": file})
    return client.get("/acme/invitations/outcome").text if answer.status_code == 303 else answer


def test_each_address_has_an_answer_of_its_own_and_good_ones_go_out(client, cast, acme, ines):
    cast.member(acme, "Priya", ines)
    cast.invitation(acme, "noor@acme.test", ines)

    typed = "new@acme.test, priya@acme.test noor@acme.test; bad@@acme.test\nnew@acme.test"
    answer = client.post("/acme/invitations/new", data={"addresses": typed}, follow_redirects=True)

    assert answer.request.path == "/acme/invitations/outcome"
    assert outcomes(answer.text) == [
        ("new@acme.test", "Invited"),
        ("priya@acme.test", "Already a member"),
        ("noor@acme.test", "Already invited"),
        ("bad@@acme.test", "Not an address"),
        ("new@acme.test", "Written twice"),
    ]
    assert "It has two @ signs." in answer.text
    assert [letter.to for letter in cast.deliver()].count("new@acme.test") == 1


def test_looking_the_list_over_sends_nothing(client, cast, acme):
    look = {"headers": {"HX-Request": "true"}, "data": {"addresses": "a@acme.test b@@c"}}

    fragment = client.post("/acme/invitations/look-over", **look)

    assert outcomes(fragment.text) == [
        ("a@acme.test", "Will be invited"), ("b@@c", "Not an address"),
    ]  # fmt: skip
    assert "<html" not in fragment.text
    assert invitations.of_organization(acme) == []


def test_the_same_list_again_invites_nobody_twice(client, cast, acme):
    for _ in range(2):
        client.post("/acme/invitations/new", data={"addresses": "a@acme.test"})
    for _ in range(2):
        page = client.get("/acme/invitations/outcome").text

    assert outcomes(page) == [("a@acme.test", "Already invited")]
    assert len(invitations.of_organization(acme)) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type at least one address."),
        (" ,;\n ", "Type at least one address."),
        (" ".join(f"p{n}@acme.test" for n in range(501)), "501 addresses; invite at most 500"),
        ("a@acme.test\0", "This contains characters that cannot be shown."),
    ],
)
def test_a_list_that_cannot_be_used_says_why_and_stays(client, acme, typed, sentence):
    answer = client.post("/acme/invitations/new", data={"addresses": typed})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "<title>Error: Invite Members" in answer.text
    assert typed.strip(" ,;\n\0")[:20] in answer.text
    assert invitations.of_organization(acme) == []


FILES = {
    b"Name,E-mail,Note\nKim,hana@acme.test,VIP\nLee,lee.at.acme,\n": [
        "hana@acme.test",
        "lee.at.acme",
    ],
    "\ufeffEmail;Name\r\nhana@acme.test;Kim\r\n".encode(): ["hana@acme.test"],
    "Email\tName\nhana@acme.test\tZoë".encode("utf-16"): ["hana@acme.test"],
    "Zo\xeb,hana@acme.test".encode("cp1252"): ["hana@acme.test"],
    b"hana@acme.test\nlee@acme.test": ["hana@acme.test", "lee@acme.test"],
    b'"Kim, Hana <hana@acme.test>",x': ["hana@acme.test"],
    b"email\nhana@acme.test": ["hana@acme.test"],
}


def test_a_file_is_read_in_the_shapes_that_office_programs_write(client, acme):
    for content, addresses in FILES.items():
        assert [address for address, _ in outcomes(upload(client, content))] == addresses


def test_a_file_that_is_no_list_is_refused_with_a_sentence(client, acme):
    for content in (b"\x89PNG\0\0\0", b"PK\x03\x04\0\0"):
        answer = upload(client, content)
        assert answer.status_code == 422
        assert "This file is not a text or CSV file." in answer.text
    assert upload(client, b"a" * 2_100_000).status_code == 413


def test_all_invitations_say_what_the_mail_server_said(client, cast, acme, ines):
    cast.invitation(acme, "good@acme.test", ines)
    cast.deliver()
    cast.invitation(acme, "gone@acme.test", ines)
    [claim] = outbox.claim(10, "test")
    outbox.compose(claim)
    outbox.bounced(claim, "550 no such mailbox")

    page = client.get("/acme/invitations").text

    assert "Handed over" in page
    assert "elivered" not in page
    assert "Bounced: 550 no such mailbox" in page
    assert page.index("gone@acme.test") < page.index("good@acme.test")


def test_resending_renews_and_leads_back_to_the_list(client, cast, acme, ines):
    invitation = cast.invitation(acme, "noor@acme.test", ines)

    answer = client.post(f"/acme/invitations/{invitation.id}/resend?from=invitations")

    assert answer.location == "/acme/invitations"
    assert "on its way again, valid for 14 days." in client.get("/acme/members").text
    assert invitation.round == 2


def test_an_invitation_is_revoked_once(client, cast, acme, ines):
    invitation = cast.invitation(acme, "noor@acme.test", ines)

    assert client.post(f"/acme/invitations/{invitation.id}/revoke").status_code == 303
    again = client.post(f"/acme/invitations/{invitation.id}/revoke")
    late = client.post(f"/acme/invitations/{invitation.id}/resend")

    assert again.status_code == late.status_code == 409
    assert "This invitation was revoked." in again.text


def test_only_admins_invite_and_see_invitations(client, cast, acme, ines):
    priya = cast.member(acme, "Priya", ines)
    invitation = cast.invitation(acme, "noor@acme.test", ines)
    client.sign_in(priya.account)

    for path in ("invitations", "invitations/new", "invitations/outcome"):
        assert client.get(f"/acme/{path}").status_code == 403
    for path in ("new", "look-over", f"{invitation.id}/revoke", "999/revoke"):
        answer = client.post(f"/acme/invitations/{path}", data={"addresses": "a@b.test"})
        assert answer.status_code == 403


def test_invitations_of_another_organization_are_missing_here(client, cast, acme):
    sanna = cast.account("Sanna")
    other = cast.invitation(cast.organization(sanna, "Boreal"), "x@acme.test", sanna)

    foreign = client.post(f"/acme/invitations/{other.id}/revoke")

    assert foreign.status_code == 404
    assert foreign.text == client.post("/acme/invitations/999/revoke").text
    assert other.state == "sent"
