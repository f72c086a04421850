"""Machines open the links of letters before people do, some press every button: nothing happens."""

import re
from functools import partial

import pytest
from security.scanner import Forms, Scanner
from security.town import HERE, OURS

from workflows import accounts, address_changes
from workflows.engine import outbox, stationery
from workflows.engine.db import Base

pytestmark = pytest.mark.sqlite
NEW, ASKED, MOVED = "new@new.test", "guest@new.test", "removed@acme.test"
PASSWORD, ANOTHER = "a password to test with", "quite another password"
LOOKS, FULL = 100, 1_000
USED = {"last_used_at", "last_used_from", "revision"}


@pytest.fixture
def site(town, monkeypatch):
    """The town with its forms guarded, and without the mailbox where all letters could be read."""
    monkeypatch.setitem(town.app.config, "WTF_CSRF_ENABLED", True)
    served = town.settings.model_copy(update={"embedded": False})
    monkeypatch.setitem(town.app.extensions, "usher", served)
    yield town
    town.app.wsgi_app.behind.uses.flush()


@pytest.fixture
def letters(site):
    """The newest letter of each kind, as mailed, after a busy day."""
    site.app.config["WTF_CSRF_ENABLED"] = False
    ids, mails = site.ids[OURS], {}
    for kind, path, form in (
        ("anonymous", "/signup", {"name": "New", "email": NEW, "password": PASSWORD}),
        ("anonymous", "/signup", {"name": "X", "email": "owner@acme.test", "password": PASSWORD}),
        ("anonymous", "/forgot", {"email": "stranger@acme.test"}),
        ("owner", f"/{OURS}/invitations/new", {"addresses": ASKED}),
        ("gone", "/profile/address", {"email": "gone@new.test"}),
        ("owner", f"/{OURS}/members/{ids['member']}/assign", {}),
        ("seated", f"/{OURS}/token/reissue", {"generation": "1", "hours": "24"}),
        ("invited", f"/invitations/{ids['personal']}/accept", {}),
    ):
        assert site.visit(kind, "POST", path, data=form).status_code == 303, path
    with site.app.app_context():
        change = address_changes.remember("x@new.test", "x@new.test", by=accounts.with_key(MOVED))
        address_changes.confirm(change, by=change.account)
        while claims := outbox.claim(100, "test"):
            for envelope in filter(None, map(outbox.compose, claims)):
                mails[envelope.template] = stationery.write(
                    envelope.template, envelope.to, envelope.facts
                )
    site.app.config["WTF_CSRF_ENABLED"] = True
    return mails


def links(letter):
    """Every address in both forms of a letter."""
    return dict.fromkeys(re.findall(rf"{HERE}[^\s\"'<]*", letter.text + letter.html))


def link(letter, path):
    return next(one for one in links(letter) if path in one)


def look(site, address, times):
    """Open it as often as a machine may, with GET and HEAD, from everywhere."""
    for number in range(times):
        method = "HEAD" if number % 2 else "GET"
        answer = site.app.test_client().open(address, method=method, base_url=HERE)
        assert answer.status_code < 500


class Person:
    """Somebody who opens the letter afterwards, in a browser that sends what its forms hold."""

    def __init__(self, site):
        self.site, self.browser = site, site.app.test_client()

    def open(self, address):
        return self.browser.get(address, base_url=HERE, follow_redirects=True)

    def press(self, page, action, **typed):
        """Fill in the form of this page that leads there, and send it."""
        wanted = (form for form in Forms(page.text).forms if action in (form[1], None))
        fields = {name: value for name, (_, value) in next(wanted)[2].items()}
        answer = self.browser.post(action, base_url=HERE, data=fields | typed)
        assert answer.status_code == 303, answer.text
        return self.open(answer.location)

    def log_in(self, address, password=PASSWORD):
        self.press(self.open("/login"), "/login", email=address, password=password)


def confirms(person, letter):
    page = person.open(link(letter, "/signup/"))
    assert "Welcome" in person.press(page, "/signup/confirm", name="New", password=PASSWORD).text


def resets(person, letter):
    page = person.open(link(letter, "/reset/"))
    person.press(page, "/reset", password=ANOTHER)
    person.log_in("stranger@acme.test", ANOTHER)
    assert person.open("/profile").status_code == 200


def moves(person, letter):
    page = person.open(link(letter, "/confirm/"))
    page = person.press(page, "/profile/address/confirm", password=PASSWORD)
    assert "Your new address is confirmed." in page.text


def takes_back(person, letter):
    page = person.open(link(letter, "/undo/"))
    page = person.press(page, "/profile/address/undo", email=MOVED)
    assert "Your account is back" in page.text


def joins(person, letter):
    page = person.press(person.open(link(letter, "/join/")), "/join")
    page = person.press(page, "/join/signup", name="Guest", password=PASSWORD)
    assert "You are a member" in page.text


def activates(person, letter):
    person.log_in("member@acme.test")
    page = person.open(link(letter, "/token"))
    assert "Reissue Token" in person.press(page, f"/{OURS}/token/activate").text


def downloads(person, letter):
    secret = re.search(r"ush[a-z]\w{44}", letter.text)[0]
    headers = {"Authorization": f"Bearer {secret}"}
    assert person.browser.get("/gate", base_url=HERE, headers=headers).status_code == 204


def looks(person, letter, email="owner@acme.test"):
    person.log_in(email)
    assert all(person.open(address).status_code == 200 for address in links(letter))


# Every kind of link, by a letter that carries it, and what the person then does with it.
COMES = {
    "confirm_sign_up": confirms,
    "sign_up_known": looks,
    "password_reset": resets,
    "confirm_address": moves,
    "address_change_asked": looks,
    "address_changed": takes_back,
    "invitation": joins,
    "seat_assigned": activates,
    "token_reissued": downloads,
    "invitation_accepted": looks,
    "move_asked": looks,
    "seat_asked": partial(looks, email="foreigner@acme.test"),
}


@pytest.mark.parametrize("kind", COMES)
def test_a_scanner_changes_nothing_and_the_person_succeeds(site, letters, kind):
    scanned(site, letters[kind], LOOKS)

    COMES[kind](Person(site), letters[kind])


def scanned(site, letter, looks):
    """Every link opened so often, and gone through by a scanner: no row has moved."""
    before = what_counts(site)
    scanner = Scanner(site)
    for address in links(letter):
        look(site, address, looks)
        scanner.scan(address)
    assert what_counts(site) == before
    return len(scanner.submitted)


def test_scanners_of_everybody_change_nothing_and_everybody_succeeds(site, letters, full, verdict):
    looks = FULL if full else 4
    verdict.about("S9", letters=len(COMES), looks=looks)

    submitted = sum(scanned(site, letters[kind], looks) for kind in COMES)
    for kind, come in COMES.items():
        come(Person(site), letters[kind])

    verdict.holds(forms_submitted=submitted)


def what_counts(site):
    """All rows; but a token in a letter's commands is used by whoever opens them, and says so."""
    site.app.wsgi_app.behind.uses.flush()
    rows = site.rows()
    for name in ("tokens", "generations"):
        columns = Base.metadata.tables[name].columns.keys()
        uses = [columns.index(column) for column in columns if column in USED]
        rows[name] = [[v for n, v in enumerate(row) if n not in uses] for row in rows[name]]
    return rows


def test_every_kind_of_link_is_among_those_that_are_scanned(site, letters):
    def places(kinds):
        return {
            re.sub(rf"/{OURS}|/(join|reset|signup|t|confirm|undo)/[^/]*", r"/\1…", address)
            for kind in kinds
            for address in links(letters[kind])
        }

    assert set(letters) > set(COMES)
    assert places(letters) == places(COMES)


def test_the_scanner_submits_forms_and_follows_links(site, letters):
    """What the tests above rest on: a scanner that found nothing would harm nothing."""
    scanner = Scanner(site)

    scanner.scan(link(letters["invitation"], "/join/"))

    assert {"/join", "/join/signup", "/join/decline"} <= set(scanner.submitted)
    assert "/signup" in scanner.seen
