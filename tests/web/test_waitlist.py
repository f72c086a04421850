"""The line for a seat as members and admins see it on its pages."""

import pytest

from workflows import invitations, places, seats, waitlist


@pytest.fixture
def ines(cast):
    return cast.account("Ines")


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=1)


@pytest.fixture
def oskar(cast, acme, ines):
    return cast.seated(acme, "Oskar", ines)


@pytest.fixture
def priya(cast, acme, ines, oskar):
    return cast.member(acme, "Priya", ines)


def test_a_member_asks_and_an_admin_puts_them_in_line(client, cast, acme, ines, priya):
    client.sign_in(priya.account)
    assert "Ask for a Seat" in client.get("/acme/home").text
    asked = client.post("/acme/seat/ask", data={"word": "For <the> build"}, follow_redirects=True)
    assert "You asked for a seat. An admin decides next." in asked.text

    client.sign_in(ines)
    page = client.get("/acme/waitlist").text
    assert "For &lt;the&gt; build" in page
    said = client.post(f"/acme/members/{priya.id}/line-up", follow_redirects=True).text
    assert "Priya is in line (1st in line) and gets a seat that frees or is bought." in said
    assert "Ines said yes." in client.get("/acme/waitlist").text

    client.sign_in(priya.account)
    assert "1st in line: you get a seat as soon as one frees." in client.get("/acme/token").text
    assert "You are in line already." in client.get("/acme/seat/ask").text


@pytest.mark.parametrize("word", ["For the nightly builds", "For the nightly builds."])
def test_a_wish_is_quoted_with_one_full_stop(client, acme, ines, priya, word):
    waitlist.ask(priya, word, by=priya.account)
    client.sign_in(ines)

    page = client.get("/acme/waitlist").text

    end = "” <" if word.endswith(".") else "”. <"
    assert f"Asked for a seat: “{word}{end}" in page


def test_what_was_typed_stays_when_it_is_too_long(client, acme, priya):
    client.sign_in(priya.account)
    word = "long " * 50

    page = client.post("/acme/seat/ask", data={"word": word})

    assert page.status_code == 422
    assert "This is longer than 200 characters." in page.text
    assert word in page.text
    assert places.of(priya) is None


def test_an_admin_says_no_with_a_word(client, cast, acme, ines, priya):
    waitlist.ask(priya, by=priya.account)
    cast.deliver()
    client.sign_in(ines)

    assert "Say no to Priya?" in client.get(f"/acme/members/{priya.id}/out-of-line").text
    linked = client.post(f"/acme/members/{priya.id}/out-of-line", data={"word": "see a.example/x"})
    assert linked.status_code == 422
    client.post(f"/acme/members/{priya.id}/out-of-line", data={"word": "Not this year"})

    [letter] = cast.deliver()
    assert (letter.to, letter.facts["word"]) == ("priya@acme.test", "Not this year")


def test_a_revoked_seat_is_given_to_whom_the_admin_chooses(client, cast, acme, ines, oskar, priya):
    dev = cast.member(acme, "Dev", ines)
    waitlist.line_up(dev, by=ines)
    client.sign_in(ines)

    page = client.get(f"/acme/members/{oskar.id}/revoke-seat").text
    assert "else to Dev, who is first in line" in page
    said = client.post(
        f"/acme/members/{oskar.id}/revoke-seat", data={"to": priya.id}, follow_redirects=True
    )

    assert "Priya has the seat now." in said.text
    assert seats.of(priya)
    assert places.standings([dev.id])[dev.id].number == 1


def test_whoever_goes_is_told_that_the_seat_goes_to_the_first_in_line(
    client, acme, ines, oskar, priya
):
    waitlist.line_up(priya, by=ines)

    client.sign_in(ines)
    removing = client.get(f"/acme/members/{oskar.id}/remove").text
    client.sign_in(oskar.account)
    leaving = client.get("/acme/leave").text

    assert "The seat goes to Priya, who is first in line." in removing
    assert "Your seat goes to whoever is first in line." in leaving


def test_an_empty_line_says_what_it_is_for(client, acme, ines):
    client.sign_in(ines)

    assert "Nobody is in line" in client.get("/acme/waitlist").text


def test_a_long_line_is_read_page_by_page(client, cast, acme, ines, oskar, monkeypatch):
    monkeypatch.setattr("web.waitlist.PAGE", 2)
    for number in range(3):
        waitlist.line_up(cast.member(acme, f"P{number}", ines), by=ines)
    client.sign_in(ines)

    first = client.get("/acme/waitlist").text
    rest = client.get("/acme/waitlist?after=2").text

    assert [name in first for name in ("P0", "P1", "P2")] == [True, True, False]
    assert [name in rest for name in ("P0", "P1", "P2")] == [False, False, True]
    assert "after=2" in first


def test_a_ticked_box_wishes_a_seat_for_all_who_are_invited(client, acme, ines):
    client.sign_in(ines)
    client.post("/acme/invitations/new", data={"addresses": "a@b.test c@b.test", "seat": "true"})
    client.post("/acme/invitations/new", data={"addresses": "d@b.test"})

    wished = {one.email: one.seat_wished for one in invitations.of_organization(acme)}

    assert wished == {"a@b.test": True, "c@b.test": True, "d@b.test": False}


def test_the_activity_tells_who_came_next_in_line(client, acme, ines, oskar, priya):
    waitlist.line_up(priya, by=ines)
    seats.revoke(oskar, by=ines)
    client.sign_in(ines)

    page = client.get("/acme/activity").text

    assert "came next in line and got a seat" in page
    assert "in line for a seat" in page
