"""Every page of the site, for people who cannot see it well: axe finds nothing serious on any.

What would surprise a reader: nobody lists the pages. Each person follows every link they are shown,
one page for each route, and the route map says at the end which page nobody came to. Pages are
looked at by turns in the light on a desk and in the dark on a phone; at full size each is loaded
once, and lights and width change in it.
"""

import re
import sqlite3
from contextlib import closing
from itertools import cycle
from urllib.parse import urlsplit

import forks
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browser.conftest import Usher
from browser.test_journey import fill, form_organization, invite, press
from playwright.sync_api import expect
from werkzeug.exceptions import HTTPException

from web import create_app
from web.demo import PASSWORD, address
from workflows.engine.settings import Settings

HERE = "/lumen-robotics"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIGHTS = [("light", DESK), ("dark", PHONE), ("dark", DESK), ("light", PHONE)]
NO_PAGES = {  # files, answers for programs, pieces of pages, letters, and doors to other addresses
    "static", "health.alive", "health.ready", "mailbox.as_json", "mailbox.html_of",
    "letters.html_of", "letters.text_of", "letters.first", "organizations.check", "home.root",
    "logos.of_organization", "logos.of_invitation", "accounts.root", "accounts.open_signup",
    "accounts.open_reset", "invitations.open_link", "never.open_link",
    "address_changes.open_confirm", "address_changes.open_undo", "status.as_json",
    "metrics.metrics", "mailrooms.html_of", "traces.token", "traces.seat", "twins.twin",
}  # fmt: skip
EXAMINE = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.filter(one => ["serious", "critical"].includes(one.impact))
        .map(one => `${one.id}: ${one.nodes.slice(0, 3).map(node => node.html).join(" | ")}`);
}"""
# Where the links of a page lead, and the buttons that only ask for another page.
ADDRESSES = """() => {
    const asking = [...document.querySelectorAll("button, input[type=submit]")].filter(
        one => one.form?.method === "get" && one.getAttribute("aria-disabled") !== "true");
    return [...document.querySelectorAll("a[href]")].map(a => a.href).concat(asking.map(one => {
        const to = one.getAttribute("formaction") ?? one.form.getAttribute("action") ?? "";
        const address = new URL(to, location.href);
        address.search = new URLSearchParams(new FormData(one.form, one));
        return address.href;
    }));
}"""


@pytest.fixture
def usher(tmp_path):
    """A service with the organization of the demo in it."""
    for words in (["demo"], ["operator", "add", address("Emi Sato")]):
        log, home = tmp_path / f"{words[0]}.txt", str(tmp_path / "var")
        assert forks.run(*words, log=log, USHER_HOME=home) == 0, log.read_text()
    service = Usher(tmp_path)
    yield service
    assert service.stop() == 0, service.log.read_text()
    assert "Traceback" not in service.log.read_text()


@pytest.fixture
def routes():
    app = create_app(Settings(embedded=True, secret_key="x" * 32, database_url="sqlite://"))
    return app.url_map.bind("")


class Examiner:
    """Follows links as one person after another, and keeps what axe said of each page."""

    def __init__(self, url, routes, full):
        self.url, self.routes, self.full = url, routes, full
        self.known = set()
        self.turns = cycle([SIGHTS] if full else [SIGHTS[:1], SIGHTS[1:2]])
        self.opened, self.wrong = set(), []

    def endpoint(self, address):
        parts = urlsplit(address)
        if f"{parts.scheme}://{parts.netloc}" != self.url:
            return None
        try:
            return self.routes.match(parts.path, method="GET")[0]
        except HTTPException:
            return None

    def examine(self, page, what=None):
        """Look at what is on the screen, in the light and on the screen whose turn it is."""
        what = what or urlsplit(page.url).path
        self.opened.add(self.endpoint(page.url))
        page.evaluate(AXE_SCRIPT)
        for light, size in next(self.turns):
            page.emulate_media(color_scheme=light, reduced_motion="reduce")
            page.set_viewport_size(size)
            sight = f"{what}, {light}, {size['width']}"
            self.wrong += [f"{sight}: {one}" for one in page.evaluate(EXAMINE)]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            self.wrong += [f"{sight}: {wide} pixels too wide"] if wide > 0 else []

    def visit(self, page, path, what=None):
        page.goto(path)
        self.examine(page, what)

    def follow_everything(self, page, *paths):
        """Each route that can be reached from these pages, once: at full size for each of us
        and for each organization."""
        known, tried = set() if self.full else self.known, set()
        waiting = [self.url + path for path in paths]
        while waiting:
            address = waiting.pop(0)
            endpoint = self.endpoint(address)
            place = urlsplit(address).path.split("/")[1] if endpoint and self.full else None
            key = (endpoint, place)
            if address in tried or endpoint is None or endpoint in NO_PAGES or key in known:
                continue
            tried.add(address)
            self.visit(page, address)
            if self.endpoint(page.url) == endpoint:  # else it led elsewhere, to the log-in maybe
                known.add(key)
            waiting += page.evaluate(ADDRESSES)


@pytest.fixture
def examiner(usher, routes, full):
    return Examiner(usher.url, routes, full)


def log_in(page, name):
    page.goto("/login")
    fill(page, Email=address(name), Password=PASSWORD)
    press(page, "Log In")
    expect(page.locator("h1")).to_have_text("Organizations")
    return page


def test_axe_finds_nothing_serious_on_any_page(usher, visit, examiner, routes):
    as_a_stranger(usher, visit(), examiner)
    as_an_admin(usher, log_in(visit(), "Ada Lovett"), examiner)
    as_members(visit, examiner)
    as_an_operator(log_in(visit(), "Emi Sato"), examiner)
    as_somebody_invited(usher, visit, examiner)
    as_somebody_too_late(usher, visit(), examiner)
    as_somebody_who_moves(usher, visit, examiner)

    pages = {rule.endpoint for rule in routes.map.iter_rules() if "GET" in rule.methods}
    assert examiner.wrong == []
    missed = pages - NO_PAGES - examiner.opened
    assert sorted(missed) == [], f"nobody came to these pages: {missed}"


def send(page, label):
    """Press the button of a form, and wait for the page that it leads to."""
    leave(page, page.get_by_role("button", name=label, exact=True).first)


def follow(page, name):
    """Press a link, and wait for the page that it leads to."""
    leave(page, page.get_by_role("link", name=name))


def leave(page, by):
    """Click, and wait until another page is there, whole. The browser's own event of a navigation
    may come while the old one still is, on a busy machine."""
    page.evaluate("document.documentElement.dataset.left = ''")
    by.click()
    expect(page.locator("html[data-left]")).to_have_count(0)
    page.wait_for_load_state()


def as_a_stranger(usher, page, examiner):
    examiner.follow_everything(
        page, "/login", "/signup", "/forgot", "/dev/mailbox", "/letters/token"
    )
    page.goto("/login")
    fill(page, Email="nobody@acme.test", Password="wrong password")
    send(page, "Log In")
    examiner.examine(page, "log-in that failed")
    page.goto("/signup")
    fill(page, Name="Zoe", Email="zoe@acme.test", Password=PASSWORD)
    send(page, "Sign Up")
    examiner.examine(page, "sign-up that was sent")
    examiner.visit(page, usher.link("zoe@acme.test", "[Cc]onfirm", "signup/"), "confirming")
    page.goto("/forgot")
    fill(page, Email=address("Gus Lindqvist"))
    send(page, "Send Reset Link")
    examiner.examine(page, "reset that was sent")
    examiner.visit(page, usher.link("gus@", "[Pp]assword", "reset/"), "resetting")
    examiner.visit(page, "/nowhere/at-all", "nothing there")


def as_somebody_too_late(usher, page, examiner):
    with closing(sqlite3.connect(usher.home / "var/usher.db")) as database:
        database.execute("UPDATE invitations SET expires_at = since WHERE email LIKE 'noa@%'")
        database.commit()
    page.goto(usher.link("noa@", "invite", "join/"))
    examiner.examine(page, "an invitation that has expired")
    examiner.visit(page, "/join/ask")
    fill(page, Email="noa@lumen-robotics.example")
    send(page, "Ask for a New Link")
    examiner.examine(page)


def as_an_admin(usher, page, examiner):
    examiner.follow_everything(page, "/organizations", "/profile", f"{HERE}/leave")
    page.goto(f"{HERE}/members")
    press(page, "Invite Members")
    fill(page, Email_addresses="ok@acme.test, broken, ada@lumen-robotics.example")
    expect(page.get_by_text("broken").last).to_be_visible()
    examiner.examine(page, "the dialog for inviting")
    send(page, "Send Invitations")
    examiner.examine(page, "what became of each address")
    page.goto(f"{HERE}/members")
    page.get_by_role("button", name=re.compile("Actions")).first.click()
    examiner.examine(page, "the menu of actions")
    do_to_many(page, examiner)
    page.goto(f"{HERE}/activity?who=nobody-at-all")
    examiner.examine(page, "activity without a line")
    page.goto(f"{HERE}/settings")
    page.locator("#file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"x"}
    )
    send(page, "Add Logo")
    examiner.examine(page, "a logo that is none")
    as_a_founder(usher, page, examiner)


def do_to_many(page, examiner):
    page.goto(f"{HERE}/members")
    page.locator("[name=who]").first.check()
    examiner.examine(page, "people that are ticked")
    send(page, re.compile("^Resend .*…$"))
    examiner.examine(page, "what would be done to many")
    page.goto(f"{HERE}/members?q=noa")
    page.locator("[name=who]").first.check()
    send(page, "Resend Invitations…")
    send(page, "Resend")
    expect(page.get_by_text("of 1 done")).to_be_visible()
    examiner.examine(page, "what was done to many")
    examiner.visit(page, f"{HERE}/members/errands")


def as_a_founder(usher, page, examiner):
    """An organization with nothing in it, a long name, and a purchase that waits for a card."""
    form_organization(
        usher, page, "Society-for-the-advancement-of-very-long-unbroken-names-of-all", "society"
    )
    examiner.follow_everything(page, "/society/home", "/society/subscriptions/new")
    page.goto("/society/subscriptions/new")
    fill(page, Seats="3")
    page.get_by_label("Monthly").check()
    send(page, "Continue")
    examiner.examine(page, "paying")
    fill(page, Card_number="4", Expiry="1", CVC="1")
    send(page, "Pay")
    examiner.examine(page, "a card that is none")


def as_members(visit, examiner):
    for name in ("Dev Raman", "Emi Sato", "Femi Adeyemi", "Gus Lindqvist", "Chloe Martin"):
        page = log_in(visit(), name)
        for path in ("home", "members", "token", "activity", "leave", "who-may"):
            if name in ("Femi Adeyemi", "Gus Lindqvist") or path in ("home", "token"):
                examiner.visit(page, f"{HERE}/{path}", f"{path} of {name}")
    examiner.visit(page, f"{HERE}/billing-contact")
    examiner.visit(page, f"{HERE}/settings", "a page that is not theirs")
    page = log_in(visit(), "Gus Lindqvist")
    examiner.visit(page, f"{HERE}/seat/ask")
    page.get_by_label("What you need it for").fill("The nightly builds")
    send(page, "Ask for a Seat")
    examiner.examine(page, "home of somebody who asked for a seat")
    page = log_in(visit(), "Ada Lovett")
    page.goto(f"{HERE}/waitlist")
    examiner.examine(page, "somebody who asked for a seat")
    follow(page, "Say No to Gus Lindqvist")
    examiner.examine(page)


def as_an_operator(page, examiner):
    examiner.follow_everything(
        page, "/status", "/status/letters", "/status/search?q=lumen-robotics.example",
        "/status/search?q=lumen-robotics", "/status/search?q=kim",
        "/status/stuck/member-unseated/acknowledge",
    )  # fmt: skip
    page.goto("/status/search?q=zoe@acme.test")
    follow(page, re.compile("^zoe@acme.test"))
    examiner.examine(page)
    rescue(page, examiner)


def rescue(page, examiner):
    """What operators do for many who are stuck, before it and after it."""
    page.goto("/status/stuck/token-inactive/revoke-seat?cause=")
    examiner.examine(page, "what would be done to those who are stuck")
    page.get_by_label("Why", exact=True).fill("They asked for it")
    send(page, re.compile("^Revoke .*Seat"))
    examiner.examine(page)


def as_somebody_invited(usher, visit, examiner):
    page = visit()
    examiner.visit(page, usher.link("kim@", "invite", "never/"), "never again")
    link = usher.link("kim@", "invite", "join/")
    page.goto(link)
    examiner.examine(page)
    send(page, "Accept Invitation")
    examiner.examine(page)
    other = log_in(visit(), "Dev Raman")
    other.goto(link)
    examiner.examine(other, "an invitation of somebody else")
    other = log_in(visit(), "Ivo Petrov")
    other.goto(link)
    send(other, "Ask to Move It to Your Address")
    examiner.examine(other, "a move that was asked for")
    admin = log_in(visit(), "Ada Lovett")
    admin.goto(f"{HERE}/members?q=kim")
    follow(admin, "Answer Request")
    examiner.examine(admin)
    examiner.visit(page, "/join/login")
    page.goto("/join/decline")
    examiner.examine(page)
    fill(page, Email="kim@lumen-robotics.example")
    send(page, "Decline")
    examiner.examine(page)
    page.goto("/join")
    examiner.examine(page, "an invitation that was declined")
    invited_to_another(usher, visit, examiner)


def invited_to_another(usher, visit, examiner):
    """Somebody with an account finds the invitation beside the own organizations."""
    founder = log_in(visit(), "Ada Lovett")
    invite(usher, founder, "society", address("Gus Lindqvist"))
    page = log_in(visit(), "Gus Lindqvist")
    examiner.examine(page, "an invitation that waits")
    follow(page, "Decline")
    examiner.examine(page)


def as_somebody_who_moves(usher, visit, examiner):
    """To another address, and back to the old one."""
    page = log_in(visit(), "Dev Raman")
    page.goto("/profile/address")
    fill(page, New_email="dev@moved.test")
    send(page, "Change Address")
    examiner.examine(page, "a change of address that was asked for")
    link = usher.link("dev@moved.test", "address", "profile/address/confirm/")
    examiner.visit(visit(), link, "confirming an address elsewhere")
    examiner.visit(page, link)
    send(page, "Confirm Address")
    examiner.examine(page, "an address that was changed")
    page = visit()
    examiner.visit(page, usher.link("dev@lumen", "address", "profile/address/undo/"))
    fill(page, The_address_your_letter_came_to=address("Dev Raman"))
    send(page, "Undo the Change")
    examiner.examine(page)


def test_the_whole_journey_by_keyboard_alone(usher, visit):
    """Log in, invite, change a setting, give a seat: with Tab, Enter, Space and Escape."""
    page = visit()
    page.goto("/login")
    tab_to(page, "Email")
    page.keyboard.type(address("Ada Lovett"))
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Organizations")

    page.goto(f"{HERE}/members")
    tab_to(page, "Skip to the page")
    page.keyboard.press("Enter")
    tab_to(page, "Invite Members")
    page.keyboard.press("Enter")
    tab_to(page, "Email addresses")
    page.keyboard.type("keys@lumen-robotics.example")
    page.keyboard.press("Escape")
    expect(page.locator("#invite")).to_be_hidden()
    tab_to(page, "Invite Members")
    page.keyboard.press("Enter")
    tab_to(page, "Send Invitations")
    page.keyboard.press("Enter")
    expect(page.get_by_text("keys@lumen-robotics.example").first).to_be_visible()

    page.goto(f"{HERE}/members?q=gus")
    tab_to(page, "Actions")
    page.keyboard.press("Enter")
    tab_to(page, "Assign Seat")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Gus Lindqvist has a seat.")).to_be_visible()

    page.goto(f"{HERE}/home")
    tab_to(page, "Skip: Add a logo")
    page.keyboard.press("Space")
    expect(page.get_by_text("Skipped", exact=True)).to_be_visible()


FOCUSED = """() => {
    const it = document.activeElement, style = getComputedStyle(it);
    const words = it.labels?.length
        ? it.labels[0].innerText : it.getAttribute("aria-label") ?? it.textContent;
    return { name: words.replace(/\\s+/g, " ").trim(), seen: style.outlineStyle !== "none" };
}"""


def tab_to(page, name, most=120):
    """Press Tab until this has the focus; whatever has it on the way can be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUSED)
        if focus["name"] == name:
            assert focus["seen"], f"nobody sees that “{name}” has the focus"
            return
    raise AssertionError(f"“{name}” cannot be reached with Tab")
