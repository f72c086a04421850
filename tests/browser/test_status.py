"""The status page of a running service, left open by somebody on call."""

from contextlib import contextmanager

from ailing import SEEDS, Ward
from databases import loosen, settings_in
from people import PASSWORD, Cast
from playwright.sync_api import expect
from procfile import wait_for

from workflows import operators
from workflows.engine.app import bare_app
from workflows.engine.db import db

CLASSES = ("letter-dead", "invitation-contradicted", "seat-tokenless")
MINUTE = 60  # seconds


@contextmanager
def beneath(usher):
    """The database of a running service, changed from beside it."""
    var = usher.home / "var"
    settings = settings_in(var, f"sqlite:///{var}/usher.db")
    loosen(settings)
    with bare_app(settings).app_context():
        yield Cast()
        db.session.remove()
        db.engine.dispose()


def press(page, label):
    page.get_by_role("link", name=label).or_(page.get_by_role("button", name=label)).first.click()


def test_what_gets_stuck_is_on_the_open_page_within_a_minute_stays_readable_and_clears(
    usher, visit, full
):
    """R14: with the clock that runs; a machine that is busy may take longer, but for --full."""
    within = MINUTE if full else 4 * MINUTE
    page = visit()
    with beneath(usher) as cast:
        marta = operators.make_operator(cast.account("Marta").email)
        page.goto("/login")
        page.get_by_label("Email").fill(marta.email)
        page.get_by_label("Password").fill(PASSWORD)
        press(page, "Log In")
        page.wait_for_url("**/organizations")
        page.goto("/status")
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Everything moves", timeout=within * 1000
        )
        fold = page.locator("#invariants")
        expect(fold).to_be_visible(timeout=within * 1000)
        fold.locator("summary").click()

        ward = Ward(cast)
        for name in CLASSES:
            SEEDS[name](ward, 1)
        wait_for(lambda: stuck(page) >= set(CLASSES), "a clock that finds all of them", within)

        given_up = page.get_by_role("heading", name="Letter given up")
        expect(given_up).to_be_visible(timeout=within * 1000)
        expect(fold.get_by_role("table")).to_be_visible()
        rescue(page, "Retry…", "Retry")
        page.goto("/status")
        expect(given_up).to_have_count(0, timeout=within * 1000)
        assert "letter-dead" not in stuck(page)
        says_that_it_is_old_while_nobody_answers(page.context.new_page())


def says_that_it_is_old_while_nobody_answers(page):
    page.clock.install()
    page.goto("/status")
    old = page.get_by_text("Usher does not answer this page any more")
    expect(old).to_be_hidden()

    page.route("**/status", lambda asked: asked.abort())
    page.clock.fast_forward(11_000)
    expect(old).to_be_visible()

    page.unroute("**/status")
    page.clock.fast_forward(11_000)
    expect(old).to_be_hidden()


def stuck(page):
    """The classes that the page's twin lists."""
    return {one["class"] for one in page.request.get("/status.json").json()["stuck"]}


def rescue(page, label, again):
    """Look over, say why, and wait until it has really moved."""
    cause = page.locator(".u-cause", has=page.get_by_role("heading", name="Letter given up"))
    cause.get_by_role("link", name=label).click()
    page.get_by_label("Why").fill("The relay is back")
    page.get_by_role("button", name=again, exact=True).click()
    page.wait_for_url("**/status/rescues/*")
    moved = page.locator("#rescue .u-head .u-state", has_text="Moved")
    expect(moved).to_be_visible(timeout=4 * MINUTE * 1000)
