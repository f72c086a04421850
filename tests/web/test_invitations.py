import re
from datetime import timedelta

import pytest
from answers import bare
from people import PASSWORD

from workflows import departures, invitations, memberships
from workflows.accounts import with_key
from workflows.engine import seals
from workflows.engine.db import db, now


@pytest.fixture
def ines(cast):
    return cast.account("Ines")


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines)


@pytest.fixture
def invitation(cast, acme, ines):
    return cast.invitation(acme, "noor@acme.test", ines)


@pytest.fixture
def link(invitation):
    return invitations.link(invitation).partition("8000")[2]


@pytest.fixture
def opened(client, link):
    """The page that the link leads to."""
    return client.get(link, follow_redirects=True)


def test_the_link_leads_to_who_invites_to_what_and_the_secret_leaves_the_address(client, link):
    answer = client.get(link)

    assert (answer.status_code, answer.location) == (303, "/join")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = client.get("/join")
    for words in ("“Acme”", "Ines", "ines@acme.test", "noor@acme.test", "Accept Invitation"):
        assert words in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert link not in page.text


def test_opening_changes_nothing_however_often(client, invitation, link):
    for _ in range(3):
        client.head(link)
        for path in (link, "/join", "/join/login", "/join/signup", "/join/decline"):
            assert client.get(path).status_code < 400

    db.session.refresh(invitation)
    assert (invitation.state, invitation.revision) == ("sent", 1)


def test_whoever_is_new_signs_up_with_the_locked_address_and_is_in(
    client, acme, invitation, opened
):
    assert client.post("/join").location == "/join/signup"
    page = client.get("/join/signup").text
    assert "noor@acme.test" in page
    assert "readonly" in page
    assert "“Acme”" in page

    form = {"name": "Noor", "email": "evil@acme.test", "password": PASSWORD}
    answer = client.post("/join/signup", data=form)

    assert answer.location == "/acme/home"
    noor = with_key("noor@acme.test")
    assert memberships.of(noor, acme).state == "member"
    assert with_key("evil@acme.test") is None
    assert client.get("/acme/members").status_code == 200


def test_whoever_has_an_account_logs_in_and_is_in(client, cast, acme, opened):
    noor = cast.account("Noor")
    assert client.post("/join").location == "/join/login"
    page = client.get("/join/login").text
    assert "ines@acme.test" in page
    assert "/forgot" in page
    assert "/join/signup" in page

    wrong = client.post("/join/login", data={"email": "noor@acme.test", "password": "wrong" * 4})

    assert wrong.status_code == 422
    assert "This address and password do not belong together." in wrong.text
    assert memberships.of(noor, acme) is None
    right = client.post("/join/login", data={"email": "noor@acme.test", "password": PASSWORD})
    assert right.location == "/acme/home"
    assert memberships.of(noor, acme)


def test_logging_in_to_accept_begins_a_new_session(client, cast, opened):
    cast.account("Noor")
    with client.session_transaction() as cookie:
        assert "sid" not in cookie
        before = cookie["csrf_token"] = "a secret that somebody else may know"

    client.post("/join/login", data={"password": PASSWORD})

    with client.session_transaction() as cookie:
        assert cookie["sid"]
        assert cookie.get("csrf_token") != before
        assert "notes" not in cookie


def test_signed_in_with_the_invited_address_one_click_accepts(client, cast, acme, link):
    noor = cast.account("Noor")
    client.sign_in(noor)
    client.get(link)

    answers = [client.post("/join") for _ in range(2)]

    assert answers[0].location == "/acme/home"
    assert answers[1].status_code == 200
    assert "You are a member already" in answers[1].text
    assert memberships.of(noor, acme)


def test_somebody_else_is_told_kindly_and_offered_a_way_on(client, cast, invitation, link):
    client.sign_in(cast.account("Ellen"))
    client.get(link)

    for answer in (client.get("/join"), client.post("/join")):
        assert answer.status_code == 403
        assert "This invitation is for another address" in answer.text
        assert "ellen@acme.test" in answer.text
        assert "noor@acme.test" in answer.text
    assert invitation.state == "sent"

    assert client.post("/join/switch").location == "/join/login"
    assert "Log in to accept" in client.get("/join/login").text
    assert client.get("/organizations").status_code == 303


def test_declining_takes_the_address_that_mail_scanners_do_not_know(
    client, cast, invitation, opened
):
    for typed in ("", "scanner@mail.test", "noor"):
        answer = client.post("/join/decline", data={"email": typed})
        assert answer.status_code == 422
        assert "This is not the address the invitation was sent to." in answer.text
    assert invitation.state == "sent"

    gone = client.post("/join/decline", data={"email": "Noor@Acme.test"}, follow_redirects=True)

    assert "You declined" in gone.text
    db.session.refresh(invitation)
    assert invitation.state == "declined"
    assert client.post("/join/decline", data={"email": "noor@acme.test"}).status_code == 410


def test_the_addressee_who_is_signed_in_declines_without_typing(client, cast, invitation, link):
    client.sign_in(cast.account("Noor"))
    client.get(link)

    assert 'name="email"' not in client.get("/join/decline").text
    assert client.post("/join/decline").location == "/join/declined"
    assert "You declined" in client.get("/join/declined").text


def expire(invitation, by):
    invitation.expires_at = now() - timedelta(minutes=1)
    db.session.commit()


def revoke(invitation, by):
    invitations.revoke(invitation, by=by)


def decline(invitation, by):
    invitations.decline(invitation, invitation.email, by=None)


@pytest.mark.parametrize(
    ("end", "title", "next_step"),
    [
        (expire, "This invitation has expired", "Ask for a New Link"),
        (revoke, "This invitation was revoked", "Write to Ines"),
        (decline, "This invitation was declined", "Write to Ines"),
    ],
)
def test_an_invitation_that_has_ended_says_how_and_what_to_do(
    client, invitation, ines, link, end, title, next_step
):
    end(invitation, ines)
    client.get(link)

    for answer in (client.get("/join"), client.post("/join"), client.get("/join/signup")):
        assert answer.status_code == 410
        assert title in answer.text
        assert next_step in answer.text
        assert "mailto:ines@acme.test?subject=" in answer.text


def test_an_expired_invitation_works_again_once_it_is_resent(client, invitation, ines, link):
    expire(invitation, ines)
    assert client.get(link, follow_redirects=True).status_code == 410

    invitations.resend(invitation, by=ines)

    assert client.get(link, follow_redirects=True).status_code == 200


def test_an_accepted_link_leads_its_person_on_and_others_to_the_login(client, cast, acme, ines):
    member = cast.member(acme, "Noor", ines)
    link = invitations.link(invitations.of_organization(acme)[0]).partition("8000")[2]

    spent = client.get(link, follow_redirects=True)
    assert spent.status_code == 410
    assert "This invitation was accepted already" in spent.text
    assert "/login?next=/acme/home" in spent.text

    client.sign_in(member.account)
    mine = client.get(link, follow_redirects=True)
    assert mine.status_code == 200
    assert "You are a member already" in mine.text
    assert "/acme/home" in mine.text

    departures.leave(member, by=member.account)
    assert "This invitation is used up" in client.get(link, follow_redirects=True).text


def test_forged_and_cut_links_are_not_found_and_tell_nothing(client, link):
    for forged in ("/join/x", link[:-3], link + "x", "/join/%F0%9F%98%80", "/join/" + "a" * 3000):
        answer = client.get(forged)
        assert answer.status_code == 404
        assert "This link is not complete." in answer.text
        assert "Acme" not in answer.text


def test_without_a_link_there_is_no_page(client):
    for path in ("/join", "/join/login", "/join/signup", "/join/decline", "/join/declined"):
        assert client.get(path).status_code == 404
    for path in ("/join", "/join/switch", "/join/login"):
        assert client.post(path, data={"password": "x"}).status_code == 404


def test_signing_up_by_link_says_what_is_wrong_and_keeps_the_name(client, opened):
    short = client.post("/join/signup", data={"name": "Noor", "password": "short"})

    assert short.status_code == 422
    assert "A password needs at least 12 characters." in short.text
    assert 'value="Noor"' in short.text
    assert client.post("/join/signup", data={"name": "Noor"}).status_code == 422
    assert with_key("noor@acme.test") is None


def test_signing_up_where_there_is_an_account_already_leads_to_the_login(client, cast, opened):
    cast.account("Noor")

    answer = client.post("/join/signup", data={"name": "Noor", "password": PASSWORD})

    assert answer.status_code == 409
    assert "You already have an account. Log in with it." in answer.text


def test_open_invitations_are_accepted_from_the_organizations_page(client, cast, acme, invitation):
    noor = cast.account("Noor")
    client.sign_in(noor)
    assert "“Acme” invites you." in client.get("/organizations").text

    answers = [client.post(f"/invitations/{invitation.id}/accept") for _ in range(2)]

    assert [answer.location for answer in answers] == ["/acme/home"] * 2
    assert memberships.of(noor, acme)


def test_open_invitations_are_declined_from_there_after_being_asked(client, cast, invitation):
    client.sign_in(cast.account("Noor"))

    assert "Decline" in client.get(f"/invitations/{invitation.id}/decline").text
    assert client.post(f"/invitations/{invitation.id}/decline").location == "/organizations"
    assert invitation.state == "declined"


def test_an_invitation_to_somebody_else_is_missing(client, cast, invitation):
    client.sign_in(cast.account("Ellen"))

    foreign = client.post(f"/invitations/{invitation.id}/accept")

    assert foreign.status_code == 404
    assert bare(foreign) == bare(client.post("/invitations/999/accept"))
    assert client.get(f"/invitations/{invitation.id}/decline").status_code == 404


def path_of(invitation):
    return f"/join/{seals.seal('join', invitation.id)}"


def test_a_form_of_one_tab_does_not_act_on_the_link_of_another(client, cast, acme, ines):
    ours = cast.invitation(acme, "noor@acme.test", ines)
    theirs = cast.invitation(cast.organization(ines, "Other"), "noor@acme.test", ines)
    noor = cast.account("Noor")
    client.sign_in(noor)
    client.get(path_of(ours))
    page = client.get("/join").text
    shown = re.search(r'name="shown" value="(\d+)"', page)[1]
    client.get(path_of(theirs))

    answer = client.post("/join", data={"shown": shown})

    assert answer.status_code == 409
    assert "You opened another link meanwhile." in answer.text
    assert (ours.state, theirs.state) == ("sent", "sent")
