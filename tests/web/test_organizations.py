import pytest

from workflows import (
    arrivals,
    departures,
    invitations,
    memberships,
    organizations,
    roles,
    seats,
    tokens,
)
from workflows.engine.db import db
from workflows.organizations import Organization


def form(client, name, slug, **more):
    return client.post("/organizations/new", data={"name": name, "slug": slug, **more})


def test_forming_an_organization_leads_to_its_home_where_members_are_invited_first(client, ines):
    answer = form(client, "Acme Robotics", "acme")

    assert (answer.status_code, answer.location) == (303, "/acme/home")
    home = client.get("/acme/home").text
    assert "“Acme Robotics” is formed. You are its owner and an admin." in home
    assert home.index("Invite Members") < home.index("Buy Seats")


def test_whoever_forms_it_is_owner_and_needs_no_seat(client, ines):
    form(client, "Acme", "acme")

    page = client.get("/organizations").text
    assert ">Owner<" in page
    assert "No seat" in page
    assert 'href="/acme/home"' in page


def test_typed_capitals_become_small(client, ines):
    assert form(client, "Acme", "AcMe").location == "/acme/home"
    assert client.get("/ACME/home").location == "/acme/home"


@pytest.mark.parametrize(
    ("slug", "sentence"),
    [
        ("ab", "An ID has 3 to 40 characters."),
        ("a" * 41, "An ID has 3 to 40 characters."),
        ("a b c", "An ID has letters a to z, digits, and single hyphens between them."),
        ("-acme", "An ID has letters a to z, digits, and single hyphens between them."),
        ("ac--me", "An ID has letters a to z, digits, and single hyphens between them."),
        ("açme", "An ID has letters a to z, digits, and single hyphens between them."),
        ("ａｃｍｅ", "An ID has letters a to z, digits, and single hyphens between them."),
        ("../acme", "An ID has letters a to z, digits, and single hyphens between them."),
        ("login", "“login” is a word that Usher needs itself. Choose another."),
        ("Settings", "“settings” is a word that Usher needs itself. Choose another."),
        ("", "An ID has 3 to 40 characters."),
        ("acme\0", "This contains characters that cannot be shown."),
    ],
)
def test_an_id_that_cannot_be_says_why_and_what_was_typed_stays(client, ines, slug, sentence):
    answer = form(client, "Acme Robotics", slug)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "<title>Error: " in answer.text
    assert 'value="Acme Robotics"' in answer.text
    assert db.session.query(Organization).count() == 0


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "https://evil.test", "Ac\u202eme"])
def test_a_name_that_cannot_be_says_why_and_the_id_stays(client, ines, name):
    answer = form(client, name, "acme")

    assert answer.status_code == 422
    assert 'id="name-said"' in answer.text
    assert 'value="acme"' in answer.text


def test_a_form_without_its_fields_is_refused_field_by_field(client, ines):
    answer = client.post("/organizations/new", data={})

    assert answer.status_code == 422
    assert answer.text.count("Fill this in.") == 2


def test_a_field_that_the_form_does_not_have_is_refused(client, ines):
    assert form(client, "Acme", "acme", owner="1").status_code == 422
    assert db.session.query(Organization).count() == 0


def test_a_taken_id_names_one_that_is_free_with_a_link_that_puts_it_in(client, cast, ines):
    cast.organization(cast.account("Ada"))

    answer = form(client, "Our Acme", "acme")

    assert answer.status_code == 422
    assert "“acme” is taken. Free and close to it: acme-2." in answer.text
    link = "/organizations/new?name=Our+Acme&amp;slug=acme-2"
    assert link in answer.text
    filled = client.get(link.replace("&amp;", "&")).text
    assert 'value="acme-2"' in filled
    assert 'value="Our Acme"' in filled
    assert "acme-2 is free." in filled
    assert "You belong to it already" not in answer.text


def test_a_form_sent_twice_forms_one_organization_and_shows_the_way_to_it(client, ines):
    form(client, "Acme", "acme")

    again = form(client, "Acme", "acme")

    assert again.status_code == 422
    assert 'href="/acme/home">open “Acme”' in again.text
    assert len(organizations.of_account(ines)) == 1


@pytest.mark.parametrize(
    ("slug", "sentence"),
    [
        ("new-one", "new-one is free."),
        ("New-One", "new-one is free."),
        ("acme", "“acme” is taken. Free and close to it: acme-2."),
        ("login", "“login” is a word that Usher needs itself."),
        ("a", "An ID has 3 to 40 characters."),
        ("a\0b", "An ID has letters a to z"),
    ],
)
def test_the_live_check_says_what_the_form_would(client, cast, ines, slug, sentence):
    cast.organization(cast.account("Ada"))

    answer = client.get("/organizations/check", query_string={"slug": slug, "name": "<Acme>"})

    assert answer.status_code == 200
    assert sentence in answer.text
    assert "<!doctype" not in answer.text
    assert "<Acme>" not in answer.text


def test_the_live_check_has_nothing_to_say_about_nothing(client, ines):
    assert client.get("/organizations/check").text.strip() == ""


@pytest.mark.parametrize(
    "path", ["/organizations", "/organizations/new", "/organizations/check", "/subscriptions"]
)
def test_whoever_is_nobody_is_led_to_the_login_page(client, path):
    answer = client.get(path)

    assert answer.status_code == 303
    assert answer.location == f"/login?next={path}"


def test_a_person_without_organizations_is_offered_to_form_one(client, ines):
    page = client.get("/organizations").text

    assert "You belong to no organization yet" in page
    assert page.count("Form New Organization") == 1


def test_the_list_shows_role_and_seat_and_lets_a_member_leave(client, cast):
    acme = cast.organization(ada := cast.account("Ada"), seats=1)
    bo = cast.seated(acme, "Bo", by=ada)
    client.sign_in(bo.account)

    page = client.get("/organizations").text

    assert ">Member<" in page
    assert 'data-state="inactive"' in page
    assert 'href="/acme/leave"' in page
    tokens.activate(tokens.of(bo), by=bo.account)
    assert 'data-state="active"' in client.get("/organizations").text


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ("owner", "The owner cannot leave. Hand ownership to another admin first."),
        ("make_admin", "Admins cannot leave. An admin must first make you a member."),
        ("make_billing_admin", "Billing admins cannot leave. An admin must first make you"),
    ],
)
def test_whoever_may_not_leave_reads_why(client, cast, role, why):
    acme = cast.organization(ada := cast.account("Ada"))
    bo = cast.member(acme, "Bo", by=ada)
    if role != "owner":
        getattr(roles, role)(bo, by=ada)
    client.sign_in(ada if role == "owner" else bo.account)

    page = client.get("/organizations").text

    assert why in page
    assert 'aria-disabled="true" aria-describedby="name-acme why-acme">Leave Organization' in page
    assert "/acme/leave" not in page


def test_an_organization_that_was_left_is_not_listed(client, cast):
    acme = cast.organization(ada := cast.account("Ada"))
    bo = cast.member(acme, "Bo", by=ada)
    departures.leave(bo, by=bo.account)
    client.sign_in(bo.account)

    assert "/acme/home" not in client.get("/organizations").text


def test_open_invitations_to_ones_address_wait_above_the_list(client, cast):
    acme = cast.organization(ada := cast.account("Ada"))
    invitation = cast.invitation(acme, "bo@acme.test", ada)
    bo = cast.account("Bo")
    client.sign_in(bo)

    assert "“Acme” invites you." in client.get("/organizations").text

    invitations.revoke(invitation, by=ada)
    assert "“Acme” invites" not in client.get("/organizations").text


def test_subscriptions_of_a_person_show_each_organization_with_its_seats(client, cast):
    ada = cast.account("Ada")
    acme = cast.organization(ada, seats=2)
    cast.organization(ada, "Second")
    seats.assign(memberships.of(ada, acme), by=ada)
    client.sign_in(ada)

    page = client.get("/subscriptions").text

    assert "1 of 2 seats in use, billed monthly" in page
    assert 'href="/acme/subscriptions"' in page
    assert 'data-state="active"' in page
    assert "No seats bought yet." in page
    assert 'href="/second/subscriptions"' in page


def test_a_plain_member_sees_the_own_seat_and_no_bill(client, cast):
    acme = cast.organization(ada := cast.account("Ada"), seats=7)
    invitation = cast.invitation(acme, "bo@acme.test", ada)
    arrivals.accept(invitation, by=(bo := cast.account("Bo")))
    client.sign_in(bo)

    page = client.get("/subscriptions").text

    assert "You hold no seat here yet. Its admins look after the bill." in page
    assert "/acme/subscriptions" not in page
    assert "7 seats" not in page
