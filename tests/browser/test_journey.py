"""The whole way in a browser, by the labels that people read."""

import re

import pytest
from playwright.sync_api import expect

PASSWORD = "correct horse battery staple"


def press(page, label):
    page.get_by_role("button", name=label, exact=True).first.click()


def follow(page, label):
    page.get_by_role("link", name=label, exact=True).first.click()


def fill(page, **fields):
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).first.fill(text)


def sign_up(usher, page, name, email):
    page.goto("/signup")
    fill(page, Name=name, Email=email, Password=PASSWORD)
    press(page, "Sign Up")
    expect(page.locator("h1")).to_contain_text("Check your mail")
    page.goto(usher.link(email, "[Cc]onfirm", "signup/"))
    press(page, "Confirm Email")
    expect(page).to_have_url(usher.url + "/organizations")


def form_organization(usher, page, name, slug):
    page.goto("/organizations")
    follow(page, "Form New Organization")
    fill(page, Organization_Name=name, Organization_ID=slug)
    press(page, "Form Organization")
    expect(page).to_have_url(f"{usher.url}/{slug}/home")


def buy(usher, page, slug, seats, card="4242 4242 4242 4242"):
    page.goto(f"/{slug}/subscriptions")
    follow(page, "Purchase Subscriptions")
    fill(page, Seats=str(seats))
    page.get_by_label("Monthly").check()
    press(page, "Continue")
    fill(page, Card_number=card, Expiry="12/39", CVC="123")
    press(page, "Pay")


def invite(usher, page, slug, *addresses):
    page.goto(f"/{slug}/members")
    page.get_by_text("Invite Members", exact=True).first.click()
    fill(page, Email_addresses=", ".join(addresses))
    press(page, "Send Invitations")
    expect(page.get_by_text(addresses[0]).first).to_be_visible()


def accept_by_signing_up(usher, page, email, name, slug):
    page.goto(usher.link(email, "invite", "join/"))
    assert re.fullmatch(f"{usher.url}/join", page.url), "the secret leaves the address bar"
    press(page, "Accept Invitation")
    if not page.get_by_label("Name", exact=True).is_visible():
        page.get_by_role("link", name=re.compile("[Ss]ign [Uu]p")).last.click()
    expect(page.get_by_label("Email", exact=True)).to_have_value(email)
    fill(page, Name=name, Password=PASSWORD)
    press(page, "Sign Up")
    expect(page).to_have_url(f"{usher.url}/{slug}/home")


def act(page, name, label):
    """Choose this in the Actions menu of this person."""
    row = page.get_by_role("listitem").filter(has_text=name).filter(has_text="Actions").first
    row.get_by_role("button", name="Actions").click()
    row.get_by_role("button", name=label, exact=True).last.click()


def token_in(letter):
    return re.search(r"usht[0-9A-Za-z]{44}", letter["text"]).group()


@pytest.mark.parametrize("javascript", [True, False], ids=["with-script", "without-script"])
def test_from_sign_up_to_a_reissued_token(usher, visit, javascript):
    ann, bob = visit(javascript), visit(javascript)

    sign_up(usher, ann, "Ann Admin", "ann@acme.example")
    form_organization(usher, ann, "Acme Robotics", "acme-robotics")
    buy(usher, ann, "acme-robotics", 3)
    expect(ann.get_by_text(re.compile("3 seats")).first).to_be_visible()
    invite(usher, ann, "acme-robotics", "bob@acme.example", "not an address@@x")
    accept_by_signing_up(usher, bob, "bob@acme.example", "Bob Member", "acme-robotics")
    ann.goto("/acme-robotics/members")
    act(ann, "Bob Member", "Assign Seat")
    expect(ann.get_by_text("Bob Member has a seat").first).to_be_visible()

    bob.goto(usher.link("bob@acme.example", "seat", "acme-robotics/token"))
    press(bob, "Activate Token")
    first = token_in(usher.letter("bob@acme.example", "token"))
    path = f"/t/{first}/repo/main/noarch/repodata.json"
    assert usher.get(path)[0] == 200
    assert usher.get("/gate", Authorization=f"Bearer {first}")[0] == 204

    bob.goto("/acme-robotics/token")
    assert first not in bob.content(), "the page never holds a token"
    press(bob, "Reissue Token")
    status, headers, _ = usher.get(path)
    assert (status, headers["X-Usher-Reason"]) == (401, "superseded")
    second = token_in(usher.letter("bob@acme.example", "[Nn]ew token|[Rr]eissue"))
    assert usher.get(f"/t/{second}/repo/main/noarch/repodata.json")[0] == 200

    bob.goto("/acme-robotics/members")
    expect(bob.get_by_role("heading", name="View Members")).to_be_visible()
    assert "@acme.example" not in bob.locator("main").inner_text()
    ann.goto("/acme-robotics/members")
    act(ann, "Bob Member", "Remove Member")
    press(ann, "Remove Member")
    expect(ann.get_by_text("Bob Member").first).to_be_visible()
    status, headers, _ = usher.get(f"/t/{second}/repo/main/noarch/repodata.json")
    assert (status, headers["X-Usher-Reason"]) == (401, "member_gone")
    assert bob.goto("/acme-robotics/home").status == 404

    for place in [usher.log, *(usher.home / "var").glob("usher.db*")]:
        content = place.read_bytes()
        assert first.encode() not in content, place
        assert second.encode() not in content, place


def test_killed_in_the_middle_nothing_is_lost_and_nothing_comes_twice_differently(usher, visit):
    ann = visit()
    sign_up(usher, ann, "Ann Admin", "ann@acme.example")
    form_organization(usher, ann, "Acme", "acme")
    people = [f"person{number}@acme.example" for number in range(25)]
    seen = {}

    for group in (people[:10], people[10:20], people[20:]):
        invite(usher, ann, "acme", *group)
        usher.kill()
        usher.start()
        seen |= {letter["id"]: letter for letter in usher.letters()}

    for person in people:
        usher.letter(person, "invite")
    letters = {letter["id"]: letter for letter in usher.letters()}
    assert len([one for one in letters.values() if one["to"] in people]) == len(people)
    assert {key: letters[key] for key in seen} == seen
    ann.goto("/acme/members")
    expect(ann.get_by_role("heading", name="Manage Members")).to_be_visible()


def test_double_clicks_two_tabs_and_the_back_button(usher, visit):
    ann = visit()
    sign_up(usher, ann, "Ann Admin", "ann@acme.example")
    form_organization(usher, ann, "Acme", "acme")
    buy(usher, ann, "acme", 2)
    other_tab = ann.context.new_page()

    ann.go_back()
    ann.goto("/acme/subscriptions/new")
    other_tab.goto("/acme/subscriptions")
    expect(other_tab.get_by_text(re.compile("2 seats")).first).to_be_visible()
    assert other_tab.get_by_text("Purchase Subscriptions", exact=True).count() == 0
    invite(usher, ann, "acme", "bob@acme.example")
    invite(usher, other_tab, "acme", "bob@acme.example")
    usher.letter("bob@acme.example", "invite")
    assert len([one for one in usher.letters() if one["to"] == "bob@acme.example"]) == 1
