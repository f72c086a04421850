"""Whatever is sent, Usher answers without a crash, and says what was wrong in a sentence.

What would surprise a reader: each route gets some of each corpus, always the same ones; at full
size it gets all, and the last test is as long as the promise says. There is no OpenAPI document
from which a tool could make requests, since there are only forms: routes and their fields come
from the table of who may, values from the corpora.
"""

import random
import re

import pytest
from people import Cast
from security.corpora import (
    BODIES,
    CONTENTS,
    COOKIES,
    EVIL,
    FILES,
    FORM,
    HEADERS,
    HOSTS,
    LONG,
    VALUES,
    written,
)
from security.table import MAY, address, filled
from security.town import HERE, OURS, THEIRS

from workflows import accounts, address_changes, resets
from workflows.engine import outbox, seals

POSTS = [route for route in MAY if route.startswith("POST")]
GETS = [route for route in MAY if route.startswith("GET")]
ASKED = ("next", "q", "turn", "before", "client", "name", "slug", "seats", "interval", "from", "v")
SENTENCE = re.compile(r"[^<>\s]{1,40} [^<>\s]{1,40} [^<>\s]{1,40}[.](?=\s|<|\"|$)")
SEED, SHORT, FULL = 20261124, 400, 100_000
ASK_FOR_A_ROLE = ("POST /<slug>/members/errands",)  # the role of those who are looked for
LISTS = ("who", "row")  # fields that take several values
READ_FIRST = ("POST /organizations/new", "POST /<slug>/invitations/new", "GET /<slug>/members")


@pytest.fixture
def some(full):
    """Some of a corpus, for each route others; all of it for a few routes, or at full size."""

    def chosen(corpus, route, number=4):
        whole = full or route in READ_FIRST
        return corpus if whole else random.Random(route).sample(corpus, min(number, len(corpus)))

    return chosen


def path_of(town, route):
    return address(route.split()[1], OURS, town.ids[OURS], MAY[route].about)


def is_clear(answer):
    """No crash; and a no is told in a sentence of ours."""
    body = answer.get_data().decode(errors="replace")  # a logo is no text
    if answer.status_code >= 500 or "Traceback" in body:
        return False
    bodiless = answer.request.method in ("HEAD", "OPTIONS")
    return answer.status_code < 400 or bodiless or bool(SENTENCE.search(body))


def judge(town, answer, sent):
    assert is_clear(answer), f"{answer.status_code} to {sent!r:.300}\n" + "\n".join(town.crashes)


def form_with(form, name, value):
    """A form in which one field is this, the rest as it should be."""
    rest = b"&".join(f"{k}={v}".encode() for k, v in form.items() if k != name)
    return name.encode() + b"=" + written(value) + b"&" + rest


@pytest.mark.parametrize("route", POSTS)
def test_a_form_with_anything_in_a_field_is_answered_clearly(town, some, route):
    path, form = path_of(town, route), filled(MAY[route].form, town.ids[OURS])

    for name in form or ["unknown"]:
        for value in [*some(VALUES, f"{route} {name}"), LONG.encode()]:
            body = form_with(form, name, value)
            answer = town.visit("owner", "POST", path, data=body, content_type=FORM)
            judge(town, answer, (route, body))


@pytest.mark.parametrize("route", POSTS)
def test_a_body_of_any_kind_is_answered_clearly(town, some, route):
    for kind, body in some(BODIES, route):
        for who in ("owner", "anonymous"):
            answer = town.visit(who, "POST", path_of(town, route), data=body, content_type=kind)
            judge(town, answer, (route, kind, body))


@pytest.mark.parametrize("route", POSTS)
def test_a_field_that_comes_twice_or_that_no_form_has_is_refused(town, route):
    form = filled(MAY[route].form, town.ids[OURS])
    if not form or re.search("/join|/reset|/never|confirm|undo", route):
        pytest.skip("there is no form here, or none without a link")

    who = "operator" if "/status" in route else "owner"
    for name in form:
        smuggled = {"owner_id" if route in ASK_FOR_A_ROLE else "role": "admin"}
        twice = {} if name in LISTS else {name: [form[name], "b"]}
        for more in filter(None, ({f"{name}[]": "a"}, twice, smuggled)):
            answer = town.visit(who, "POST", path_of(town, route), data={**form, **more})

            assert answer.status_code in (409, 422), (more, answer.status_code)


@pytest.mark.parametrize("route", GETS)
def test_any_question_in_an_address_is_answered_clearly(town, some, route):
    dice = random.Random(route)
    for _ in some(VALUES, route):
        query = b"&".join(
            name.encode() + b"=" + written(dice.choice(VALUES)[:2000]) for name in ASKED
        )
        answer = town.visit("owner", "GET", f"{path_of(town, route)}?{query.decode()}")
        judge(town, answer, (route, query))


@pytest.mark.parametrize("route", [route for route in MAY if "<" in route])
def test_anything_in_the_place_of_an_id_is_no_address(town, some, route):
    method, rule = route.split()
    for value in some(VALUES[1:], route, 6):
        path = re.sub("<[^>]*>", written(value[:3000]).decode(), rule)
        for who in ("owner", "anonymous"):
            answer = town.visit(who, method, path)
            judge(town, answer, (method, path))


@pytest.mark.parametrize("file", FILES, ids=lambda file: repr(file[:12]))
@pytest.mark.parametrize("page", ["look-over", "new"])
def test_any_file_of_addresses_is_answered_clearly(town, tmp_path, file, page):
    (tmp_path / "list.csv").write_bytes(file)
    with (tmp_path / "list.csv").open("rb") as content:
        data = {"addresses": "", "file": content}
        answer = town.visit("owner", "POST", f"/{OURS}/invitations/{page}", data=data)

    judge(town, answer, file)
    if page == "new" and answer.status_code == 303:
        judge(town, town.visit("owner", "GET", answer.location), file)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_of_ones_own_making_is_never_repeated(town, host):
    for path in ("/login", "/", f"/{OURS}/home", "/nope", f"/{OURS.upper()}/home", "/forgot/sent"):
        for who in ("owner", "anonymous"):
            answer = town.visit(who, "GET", path, {"Host": host})

            judge(town, answer, (host, path))
            assert EVIL not in answer.text + str(answer.headers)


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_a_header_of_ones_own_making_crashes_nothing_and_is_never_repeated(town, header):
    for method, path in (("GET", "/login"), ("GET", f"/{OURS}/home"), ("POST", "/forgot"),
                         ("GET", "/nope"), ("POST", f"/{OURS}/settings/name"), ("GET", "/gate"),
                         ("GET", "/static/usher.css"), ("GET", "/repo/x")):  # fmt: skip
        for who in ("owner", "anonymous"):
            answer = town.visit(who, method, path, header)

            judge(town, answer, (header, path))
            assert EVIL not in answer.text + str(answer.headers)


def test_a_letter_leads_home_whatever_the_request_said(town):
    forged = {"Host": EVIL, "X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL}"}

    town.visit("anonymous", "POST", "/forgot", forged, data={"email": "owner@acme.test"})

    with town.app.app_context():
        written = [outbox.compose(claim) for claim in outbox.claim(100, "test")]
    links = [fact for one in written if one for fact in one.facts.values() if "//" in str(fact)]
    assert any("/reset/" in link for link in links)
    assert all(link.startswith(HERE) for link in links)


@pytest.mark.parametrize("cookie", COOKIES)
def test_a_forged_cookie_is_nobody(town, cookie):
    cookie = cookie.replace("{name}", town.app.config["SESSION_COOKIE_NAME"])

    for path in ("/profile", f"/{OURS}/home"):
        answer = town.visit("anonymous", "GET", path, {"Cookie": cookie})
        assert answer.location.startswith("/login?next="), town.crashes


@pytest.mark.parametrize("content", CONTENTS, ids=str)
def test_a_signed_cookie_with_anything_in_it_is_nobody(town, content):
    cookie = town.cookie(content)

    answer = town.visit("anonymous", "GET", "/profile", {"Cookie": cookie})
    page = town.visit("anonymous", "GET", "/login", {"Cookie": cookie})

    assert answer.location == "/login?next=/profile", town.crashes
    judge(town, page, content)


BEHIND = {  # the forms that only whoever opened a link can send, and what is typed there
    "signup": ("/signup/confirm", {"password": "x"}),
    "reset": ("/reset", {"password": "a password to test with"}),
    "join": ("/join/login", {"password": "x"}),
    "join to sign up": ("/join/signup", {"name": "New", "password": "a password to test with"}),
    "join to decline": ("/join/decline", {"email": "asked@acme.test", "word": "No thanks"}),
    "never": ("/never", {"email": "asked@acme.test", "wish": "never"}),
    "confirm": ("/profile/address/confirm", {"password": "x"}),
    "undo": ("/profile/address/undo", {"email": "stranger@acme.test"}),
}
OPENED_AT = {"confirm": "/profile/address/confirm", "undo": "/profile/address/undo"}


def changed(purpose):
    """The change of somebody's address: asked for, or confirmed if it is to be undone."""
    person = accounts.with_key("stranger@acme.test")
    address_changes.ask(person, "else@new.test")
    change = address_changes.asked_by(person)
    if purpose == "undo":
        address_changes.confirm(change, by=person)
    return change.id


@pytest.fixture
def opened(town):
    """Answers a browser in which a link of this kind was opened, always in the same database."""
    mailed = {}

    def browser(kind):
        purpose = kind.split()[0]
        if purpose not in mailed:
            mailed[purpose] = mail(town, purpose), town.picture()
        sealed, picture = mailed[purpose]
        town.put_back(picture)
        opening, at = town.app.test_client(), OPENED_AT.get(purpose, f"/{purpose}")
        assert opening.get(f"{at}/{sealed}", base_url=HERE).status_code == 303
        return opening

    yield browser
    for _, picture in mailed.values():
        picture.close()


def mail(town, purpose):
    """Let the letter with such a link leave; answers what the link carries."""
    with town.app.app_context():
        waiting = accounts.sign_up("New", "new@new.test", "a password to test with").id
        resets.ask_reset("owner@acme.test")
        Cast().deliver()  # the link is good from when its letter is written
        asked = town.ids[OURS]["invitation"]
        rows = {"signup": waiting, "reset": 1, "join": asked, "never": asked}
        rows |= dict.fromkeys(OPENED_AT, changed(purpose))
        return seals.seal(purpose, rows[purpose])


@pytest.mark.parametrize("kind", BEHIND)
def test_a_form_behind_a_link_with_anything_in_a_field_is_answered_clearly(
    town, some, opened, kind
):
    path, form = BEHIND[kind]
    for name in form:
        for value in [*some(VALUES, f"{kind} {name}"), LONG.encode()]:
            body = form_with(form, name, value)
            browser = opened(kind)
            answer = browser.post(path, base_url=HERE, data=body, content_type=FORM)

            judge(town, answer, (path, body))
            judge(town, browser.get(path, base_url=HERE), (path, body))


@pytest.mark.parametrize("kind", BEHIND)
def test_a_form_behind_a_link_takes_each_field_once_and_no_other(town, opened, kind):
    path, form = BEHIND[kind]
    for name in form:
        for more in ({f"{name}[]": "a"}, {name: [form[name], "b"]}, {"role": "admin"}):
            browser = opened(kind)
            before = town.rows()
            answer = browser.post(path, base_url=HERE, data={**form, **more})

            assert answer.status_code == 422, (more, answer.status_code)
            assert town.rows() == before


def test_random_requests_crash_nothing(town, full, verdict):
    number, dice = FULL if full else SHORT, random.Random(SEED)
    verdict.about("S3", requests=number, seed=SEED)

    for _ in range(number):
        method, path, who, more = throw(dice, town)
        judge(town, town.visit(who, method, path, **more), (method, path, who, more))

    verdict.holds()


def throw(dice, town):
    """A request of a kind that nobody has written down."""
    route, value = dice.choice(list(MAY)), dice.choice(VALUES)
    slug = dice.choice([OURS, OURS, THEIRS])
    path = address(route.split()[1], slug, town.ids[slug], MAY[route].about)
    form = dict(dice.sample(sorted({**MAY[route].form, "x": "y"}.items()), 1))
    kind, body = dice.choice([*BODIES, (FORM, form_with(form, dice.choice(ASKED), value))])
    query = "&".join(
        f"{dice.choice(ASKED)}={written(v[:999]).decode()}" for v in dice.sample(VALUES, 2)
    )
    if dice.random() < 0.2 and len(path) > 1:
        path = path[: dice.randrange(1, len(path))] + written(value[:99]).decode()
    more = {"headers": dice.choice(HEADERS), "data": body, "content_type": kind}
    method = dice.choice(["GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
    return method, f"{path}?{query}", dice.choice(["owner", "seated", "anonymous"]), more
