import re
from html import unescape
from itertools import product

import pytest
from answers import bare

from workflows import roles, seats
from workflows.engine.db import db


@pytest.fixture
def ines(cast, client):
    account = cast.account("Ines")
    client.sign_in(account)
    return account


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines, seats=1)


@pytest.fixture
def priya(cast, acme, ines):
    return cast.member(acme, "Priya", ines)


def at(member, deed):
    return f"/acme/members/{member.id}/{deed}"


def menu(page, who):
    """Each item of somebody's Actions menu and, where it is impossible, why."""
    [block] = re.findall(
        rf'id="acts-\w+" popover.*?u-menu-head[^>]*>{who}</div>(.*?)</form>', page, re.S
    )
    items = re.findall(r"<(?:button|a)([^>]*)>([^<]+)(?:<small>([^<]*))?", block)
    return {label: why if "aria-disabled" in kind else None for kind, label, why in items}


def test_admins_manage_members_and_whoever_waits_for_them_comes_first(client, cast, acme, priya):
    page = client.get("/acme/members").text

    assert "<h1>Manage Members</h1>" in page
    assert "0 of 1 seat in use, 1 free." in page
    assert page.index("Priya") < page.index(">Ines<", page.index("u-people"))
    assert "priya@acme.test" in page


def test_the_menu_names_every_deed_in_order_and_why_one_cannot_be(client, acme, priya):
    page = client.get("/acme/members").text

    assert menu(page, "Priya") == {
        "Assign Seat": None,
        "Revoke Seat": "Priya has no seat.",
        "Make Account Admin": None,
        "Make Billing Admin": None,
        "Make Member": "Priya is a member already.",
        "Hand Over Ownership": "Priya is a member. Only an admin can become the owner.",
        "Remove Member": None,
    }
    assert list(menu(page, "Priya")) == [
        "Assign Seat", "Revoke Seat", "Make Account Admin", "Make Billing Admin", "Make Member",
        "Hand Over Ownership", "Remove Member",
    ]  # fmt: skip
    assert menu(page, "Ines")["Remove Member"] == "Nobody may change or remove the owner."


def test_an_invitation_can_be_resent_or_revoked_from_its_row(client, cast, acme, ines):
    invitation = cast.invitation(acme, "noor@acme.test", ines)

    assert menu(client.get("/acme/members").text, "noor@acme.test") == {
        "Resend": None,
        "Correct Address": None,
        "Extend": "This invitation has the full time to be answered.",
        "Revoke Invitation": None,
    }

    client.post(f"/acme/invitations/{invitation.id}/revoke")

    assert menu(client.get("/acme/members").text, "noor@acme.test") == {
        "Resend": "This invitation was revoked.",
        "Correct Address": "This invitation was revoked.",
        "Extend": "This invitation was revoked.",
        "Revoke Invitation": "This invitation was revoked.",
    }


FOUND = {
    "": {"Ines", "Priya"}, "?turn=yours": {"Priya"}, "?turn=set": {"Ines"}, "?turn=ended": set(),
    "?turn=nonsense": {"Ines", "Priya"}, "?q=PRIY": {"Priya"}, "?q=acme.test": {"Ines", "Priya"},
    "?q=nobody": set(), "?q=%00%F0": set(), "?q=priya&turn=set": set(),
}  # fmt: skip


def test_people_are_found_by_turn_name_and_address(client, acme, priya):
    for query, shown in FOUND.items():
        page = client.get(f"/acme/members{query}")

        assert page.status_code == 200
        assert set(re.findall(r"u-menu-head[^>]*>(\w+)</div>", page.text)) == shown


def test_a_seat_is_assigned_with_one_click_and_a_sentence(client, acme, priya):
    answer = client.post(at(priya, "assign"), follow_redirects=True)

    assert answer.request.path == "/acme/members"
    assert "Priya has a seat. The letter is on its way." in answer.text
    assert seats.of(priya)


def test_a_second_click_finds_the_seat_assigned(client, acme, priya):
    client.post(at(priya, "assign"))

    again = client.post(at(priya, "assign"))

    assert again.status_code == 409
    assert "Priya already has a seat." in again.text
    assert seats.count(acme).used == 1


def test_when_no_seat_is_free_the_menu_and_the_command_say_the_same(
    client, cast, acme, ines, priya
):
    oskar = cast.seated(acme, "Oskar", ines)

    page = client.get("/acme/members").text

    sentence = menu(page, "Priya")["Assign Seat"]
    assert sentence == "The one seat is in use. Buy more, or revoke it first."
    assert sentence in client.post(at(priya, "assign")).text
    assert seats.of(oskar)
    assert "Buy Seats" in page


def test_revoking_a_seat_asks_again_and_says_what_is_lost(client, cast, acme, ines):
    oskar = cast.seated(acme, "Oskar", ines)

    page = client.get(at(oskar, "revoke-seat")).text

    assert "Revoke the seat of Oskar?" in page
    assert "Keep Seat" in page
    assert "1 of 1 is free then" in page
    assert seats.of(oskar)
    assert client.post(at(oskar, "revoke-seat")).status_code == 303
    assert seats.of(oskar) is None
    assert client.post(at(oskar, "revoke-seat")).status_code == 409


def test_removing_asks_again_with_the_name_and_what_stays(client, cast, acme, ines):
    oskar = cast.seated(acme, "Oskar", ines)

    page = client.get(at(oskar, "remove")).text

    assert "Remove Oskar from “Acme”?" in page
    assert "Keep Member" in page
    assert "The history stays." in page
    client.post(at(oskar, "remove"))
    db.session.refresh(oskar)
    assert oskar.state == "removed"
    assert "Oskar is not a member any more." in client.post(at(oskar, "remove")).text


def test_roles_are_changed_from_the_menu(client, acme, priya):
    for deed, state in [
        ("make-admin", "admin"),
        ("make-billing-admin", "billing_admin"),
        ("make-member", "member"),
    ]:
        assert client.post(at(priya, deed)).status_code == 303
        db.session.refresh(priya)
        assert priya.state == state


def test_admins_cannot_change_or_remove_themselves(client, cast, acme, priya):
    roles.make_admin(priya, by=acme.owner.account)
    client.sign_in(priya.account)

    for deed in ("make-member", "make-billing-admin"):
        answer = client.post(at(priya, deed))
        assert answer.status_code == 403
        assert "Admins cannot change their own permissions." in answer.text
    assert "Admins cannot remove themselves." in client.post(at(priya, "remove")).text
    assert "Admins cannot remove themselves." in client.get(at(priya, "remove")).text


def test_nobody_changes_or_removes_the_owner(client, acme, priya):
    roles.make_admin(priya, by=acme.owner.account)
    client.sign_in(priya.account)

    for deed in ("make-member", "make-billing-admin", "remove"):
        answer = client.post(at(acme.owner, deed))
        assert answer.status_code == 403
        assert "Nobody may change or remove the owner." in answer.text


def test_members_view_names_and_roles_without_addresses(client, cast, acme, ines, priya):
    cast.invitation(acme, "noor@acme.test", ines)
    client.sign_in(priya.account)

    page = client.get("/acme/members").text

    assert "<h1>View Members</h1>" in page
    assert "Owner" in page
    assert "Member" in page
    assert "ask <b" in " ".join(page.split())
    assert ">Ines</b>" in page
    assert "ines@acme.test" not in page
    assert "noor@acme.test" not in page
    assert "Invite Members" not in page


DEEDS = ("assign", "revoke-seat", "make-admin", "make-billing-admin", "make-member", "remove")


def test_members_may_do_nothing_to_others(client, acme, priya):
    client.sign_in(priya.account)

    for deed, number in product(DEEDS, (acme.owner_id, 999)):
        answer = client.post(f"/acme/members/{number}/{deed}")
        assert answer.status_code == 403
        assert "Only an admin of the organization may do this." in answer.text


def test_a_member_that_does_not_exist_is_not_found(client, acme):
    for deed, number in product(DEEDS, ["999", "0", "-1", "1.5", "x", "9" * 30, "2147483648"]):
        assert client.post(f"/acme/members/{number}/{deed}").status_code == 404


def test_members_of_another_organization_are_missing_here(client, cast, acme):
    other = cast.organization(cast.account("Sanna"), "Boreal", seats=1)

    foreign = client.post(f"/acme/members/{other.owner_id}/assign")
    missing = client.post("/acme/members/999/assign")

    assert foreign.status_code == missing.status_code == 404
    assert bare(foreign) == bare(missing)


def test_strangers_get_the_answer_for_what_does_not_exist(client, cast, acme, priya):
    client.sign_in(cast.account("Stranger"))

    for path in ("members", f"members/{priya.id}/remove", "leave", "invitations"):
        there, nowhere = client.get(f"/acme/{path}"), client.get(f"/nowhere/{path}")
        assert there.status_code == nowhere.status_code == 404
        assert bare(there) == bare(nowhere)


def test_deeds_are_posted_and_never_opened(client, acme, priya):
    assert client.get(at(priya, "assign")).status_code == 405
    assert client.get(at(priya, "remove")).status_code == 200
    assert priya.active


def test_a_member_leaves_after_being_asked(client, cast, acme, priya):
    client.sign_in(priya.account)

    page = client.get("/acme/leave").text

    assert "Leave “Acme”?" in page
    assert "Stay" in page
    assert "Leave Organization" in page
    assert client.post("/acme/leave").location == "/organizations"
    assert client.get("/acme/members").status_code == 404


def test_who_may_not_leave_is_told_why_and_whom_to_ask(client, cast, acme, priya):
    roles.make_billing_admin(priya, by=acme.owner.account)
    client.sign_in(priya.account)

    page = client.get("/acme/leave").text

    assert "Billing admins cannot leave. An admin must first make you a member." in page
    assert "Ines" in page
    assert client.post("/acme/leave").status_code == 409
    client.sign_in(acme.owner.account)
    assert "You are the only admin." in client.get("/acme/leave").text


@pytest.mark.parametrize(
    "page",
    ["members?q=pri&turn=yours", "members?after=x", "home", "waitlist", "invitations", "members/2"],
)
def test_a_button_leads_back_to_the_page_it_was_on(client, acme, priya, page):
    came_from = {"Referer": f"http://localhost/acme/{page}"}

    answer = client.post(at(priya, "assign"), headers=came_from)

    assert answer.location == f"/acme/{page}"


@pytest.mark.parametrize(
    "referer",
    [
        None, "http://elsewhere.test/acme/members", "http://localhost/globex/members",
        "http://localhost/acme/members/2/remove", "http://localhost/acme/members.csv",
    ],
)  # fmt: skip
def test_a_button_leads_to_the_list_where_it_was_on_no_list(client, acme, priya, referer):
    answer = client.post(at(priya, "assign"), headers={"Referer": referer} if referer else {})

    assert answer.location == "/acme/members"


def test_whoever_keeps_a_member_is_back_at_the_search(client, acme, priya):
    came_from = {"Referer": "http://localhost/acme/members?q=pri"}

    page = client.get(at(priya, "remove"), headers=came_from).text

    assert 'href="/acme/members?q=pri" autofocus>Keep Member</a>' in page


@pytest.mark.parametrize("deed", ["remove", "revoke-seat"])
def test_the_page_that_asks_again_leads_back_to_the_search(client, acme, priya, deed):
    seats.assign(priya, by=acme.owner.account)
    came_from = {"Referer": "http://localhost/acme/members?q=pri&turn=theirs"}

    page = client.get(at(priya, deed), headers=came_from).text
    [back] = re.findall(r'name="back" value="([^"]+)"', page)
    answer = client.post(at(priya, deed), data={"back": unescape(back)})

    assert answer.location == "/acme/members?q=pri&turn=theirs"


@pytest.mark.parametrize(
    "back", ["//elsewhere.test/acme/members", "/globex/members", "/acme/[", "x"]
)
def test_nobody_is_led_elsewhere_by_the_page_that_asks_again(client, acme, priya, back):
    answer = client.post(at(priya, "remove"), data={"back": back})

    assert answer.location == "/acme/members"


def test_whoever_removes_a_member_from_their_page_is_back_at_it(client, acme, priya):
    at_home = f"/acme/members/{priya.id}"

    answer = client.post(at(priya, "remove"), data={"back": at_home})

    assert answer.location == at_home
    assert client.get(at_home).status_code == 200
