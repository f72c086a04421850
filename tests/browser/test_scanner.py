"""A scanner with a browser of its own, scripts and all, presses every button before people come."""

from browser.test_journey import (
    accept_by_signing_up,
    form_organization,
    invite,
    sign_up,
)
from playwright.sync_api import expect

GUEST = "guest@acme.test"
MOST = 40  # presses
BUTTONS = "button:visible, a[href^='/']:visible"


def press_everything(page, link):
    """Every button and link of this page and of those that they lead to, each from the start."""
    pressed, waiting = 0, [[]]
    while waiting and pressed < MOST:
        way = waiting.pop(0)
        page.context.clear_cookies()
        page.goto(link)
        for number in way:
            page.locator("main").locator(BUTTONS).nth(number).click()
            page.wait_for_load_state()
        pressed += 1
        if len(way) < 3:
            number = page.locator("main").locator(BUTTONS).count()
            waiting += [[*way, following] for following in range(number)]
    return pressed


def test_a_browser_that_presses_everything_answers_no_invitation(usher, visit):
    owner = visit()
    sign_up(usher, owner, "Ada", "ada@acme.test")
    form_organization(usher, owner, "Acme", "acme")
    invite(usher, owner, "acme", GUEST)
    link = usher.link(GUEST, "invite", "join/")
    letters = len(usher.letters())

    pressed = press_everything(visit(), link)

    assert pressed > 10
    assert len(usher.letters()) == letters  # nobody is told anything: nothing has happened
    owner.goto("/acme/invitations")
    expect(owner.get_by_text("sent", exact=False).first).to_be_visible()
    accept_by_signing_up(usher, visit(), GUEST, "Guest", "acme")
