import re

import pytest

from workflows import gate, handovers, memberships, roles, seats, tokens
from workflows.engine.db import now
from workflows.gate import Use


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=2)


def test_an_organizations_bare_address_leads_to_its_home(client, acme):
    assert client.get("/acme").location == "/acme/home"


@pytest.mark.parametrize("path", ["/acme", "/acme/home"])
def test_strangers_get_the_same_answer_as_for_what_does_not_exist(client, cast, acme, path):
    client.sign_in(cast.account("Mallory"))

    foreign, missing = client.get(path), client.get(path.replace("acme", "nowhere"))

    assert foreign.status_code == missing.status_code == 404
    assert "Acme" not in foreign.text


def test_the_first_sentence_says_where_things_stand(client, cast, acme, ines):
    page = client.get("/acme/home").text
    assert "Nobody is here yet but you." in page
    assert "2 of 2 seats are free." in page

    bo = cast.member(acme, "Bo", by=ines)
    assert "1 person waits for you." in client.get("/acme/home").text

    seats.assign(bo, by=ines)
    page = client.get("/acme/home").text
    assert "Nobody waits for you." in page
    assert "1 of 2 seats is free." in page


def test_no_link_of_the_page_is_called_like_a_line_of_the_left_column(client, acme, cast, ines):
    cast.member(acme, "Bo", by=ines)

    column, page = client.get("/acme/home").text.split("<main")

    called = {words.strip() for words in re.findall(r"<a [^>]*>(?:<svg.*?</svg>)?([^<]+)", page)}
    assert 'aria-describedby="who-waits"' in column
    assert "Bill and invoices" in called
    assert not any(
        "Subscriptions" in one or "Members" in one for one in called - {"Invite Members"}
    )


def test_whoever_waits_is_listed_with_the_one_button_that_moves_them_on(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", by=ines)

    page = client.get("/acme/home").text

    assert "<h2>Your turn</h2>" in page
    assert "Has joined and waits for a seat." in page
    assert f'action="/acme/members/{bo.id}/assign"' in page


def test_only_the_first_five_are_listed_and_the_rest_is_a_link_away(client, cast, acme, ines):
    for name in ("Bo", "Cy", "Di", "Ed", "Flo", "Gus"):
        cast.member(acme, name, by=ines)

    page = client.get("/acme/home").text

    assert "See all 6" in page
    assert page.count(">Assign Seat</button>") == 5


def test_seats_are_shown_in_figures_and_blocks(client, acme, cast, ines):
    bo = cast.seated(acme, "Bo", by=ines)
    page = client.get("/acme/home").text
    assert '<span class="u-big">1</span> <span class="u-2">of 2 in use</span>' in page
    assert page.count('<i class="is-idle">') == 2  # the seat, and the key below

    download(bo)

    page = client.get("/acme/home").text
    assert page.count('<i class="is-used">') == 2
    assert "1 downloading" in page


def download(member):
    token = tokens.of(member)
    tokens.activate(token, by=member.account)
    gate.record_uses([Use(token.current.id, now(), "conda", downloaded=True)])


def test_people_are_counted_by_how_far_they_are(client, acme, cast, ines):
    cast.invitation(acme, "hana@acme.test", ines)
    cast.seated(acme, "Bo", by=ines)

    page = client.get("/acme/home").text

    assert "3 people" in page
    assert '>Invited</span><span class="u-big">1<' in page
    assert '>Seated</span><span class="u-big">1<' in page
    assert 'aria-label="1 invited, 1 accepted, 1 seated, 0 activated, 0 downloading"' in page
    assert page.count('<rect class="is-') == 3
    assert 'href="/acme/members?stage=seated"' in page
    assert "bo@acme.test" in client.get("/acme/members?stage=seated").text
    assert "hana@acme.test" not in client.get("/acme/members?stage=seated").text


def test_an_admin_with_a_seat_sees_their_own_line_too(client, acme, ines):
    seats.assign(memberships.of(ines, acme), by=ines)

    page = client.get("/acme/home").text

    assert "Your own token" in page
    assert 'href="/acme/token">Activate Token' in page


def test_a_member_without_a_seat_reads_that_an_admin_comes_next_and_who_that_is(
    client, acme, cast, ines
):
    bo = cast.member(acme, "Bo", by=ines)
    client.sign_in(bo.account)

    page = client.get("/acme/home").text

    assert "An admin comes next. If it takes long, ask for a seat." in page
    assert "You have joined. An admin gives you a seat next." in page
    assert "Ines" in page
    assert "ines@acme.test" not in page
    assert "Assign Seat" not in page
    assert "of 2 in use" not in page
    assert "/acme/token" not in page


def test_a_seated_member_reads_that_it_is_their_turn(client, acme, cast, ines):
    bo = cast.seated(acme, "Bo", by=ines)
    client.sign_in(bo.account)

    page = client.get("/acme/home").text

    assert "It is your turn." in page
    assert 'class="btn btn-primary" href="/acme/token">Activate Token' in page


def test_a_member_whose_letter_is_under_way_reads_so_and_then_that_it_is_there(
    client, acme, cast, ines
):
    bo = cast.seated(acme, "Bo", by=ines)
    tokens.activate(tokens.of(bo), by=bo.account)
    client.sign_in(bo.account)
    assert "The letter with your token is on its way." in client.get("/acme/home").text

    cast.deliver()
    assert "Use it for a first download." in client.get("/acme/home").text


def test_a_member_who_downloads_is_all_set(client, acme, cast, ines):
    bo = cast.seated(acme, "Bo", by=ines)
    download(bo)
    client.sign_in(bo.account)

    page = client.get("/acme/home").text

    assert "Your token works." in page
    assert "Last download today" in page


def test_a_billing_admin_sees_the_seats_and_no_line_that_asks_for_one(client, acme, cast, ines):
    bo = cast.member(acme, "Bo", by=ines)
    roles.make_billing_admin(bo, by=ines)
    client.sign_in(bo.account)

    page = client.get("/acme/home").text

    assert "of 2 in use" in page
    assert 'href="/acme/subscriptions"' in page
    assert "How far you are" not in page


def test_an_offer_of_ownership_waits_on_the_home_of_whom_it_goes_to(client, cast, acme, ines):
    bo = cast.member(acme, "Bo", by=ines)
    roles.make_admin(bo, by=ines)
    handovers.offer(bo, by=ines)

    assert "offers you the ownership" not in client.get("/acme/home").text
    client.sign_in(bo.account)
    page = client.get("/acme/home").text

    assert "Ines offers you the ownership of “Acme”" in page
    assert 'href="/acme/ownership">Accept or decline</a>' in page
