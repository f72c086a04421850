"""PostgreSQL ends in the middle of everything and comes back; Usher's own processes go on."""

import threading
import time
from collections import Counter

import databases
import pytest
from dramatiq import Worker
from people import PASSWORD

import workers
from web import create_app
from workers import clock
from workflows import sessions
from workflows.accounts import SignUp
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.outbox import LEASE
from workflows.invitations import Invitation

LOSABLE = ("fsync", "full_page_writes")  # the machine stays up; what was committed must stay too
PATIENCE = 180  # seconds


@pytest.fixture
def server():
    """A PostgreSQL for this test alone, on the usual promise that a COMMIT is kept."""
    server = databases.PostgreSQL(hasty=LOSABLE)
    yield server
    server.stop()


@pytest.fixture
def database(server):
    return server.create("usher")


@pytest.fixture
def app(settings):
    """The whole web application and, in threads, its worker and its clock."""
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    workers.use(app)
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def working(app):
    stop = threading.Event()
    ticking = threading.Thread(target=clock.run, args=(app, stop))
    worker = Worker(workers.broker, worker_timeout=50, worker_threads=2)
    ticking.start()
    worker.start()
    yield
    stop.set()
    ticking.join()
    worker.stop()


class Visitors:
    """People at the doors, and what each of them was answered."""

    def __init__(self, app, secret):
        self.app, self.secret = app, secret
        self.answers, self.stop = [], threading.Event()
        self.threads = [
            threading.Thread(target=self._visit, args=(what, number))
            for number, what in enumerate((self.invite, self.invite, self.sign_up, self.look))
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _visit(self, what, number):
        client, visits = self.app.test_client(), 0
        with client.session_transaction() as cookie:
            cookie["sid"] = self.secret
        while not self.stop.is_set():
            visits += 1
            address = f"{what.__name__}{number}.{visits}@acme.test"
            try:
                answer = what(client, address)
                self.answers.append((what, address, answer.status_code, answer.headers))
            except Exception:  # what leaves the application is a 500 to whoever asked
                self.answers.append((what, address, 500, {}))
            time.sleep(0.01)

    def invite(self, client, address):
        return client.post("/acme/invitations/new", data={"addresses": address})

    def sign_up(self, client, address):
        form = {"name": "Hal", "email": address, "password": PASSWORD}
        return self.app.test_client().post("/signup", data=form)

    def look(self, client, _):
        return client.get("/acme/members")

    def statuses(self):
        return Counter(status for _, _, status, _ in self.answers)

    def told_yes(self, what):
        mine = ((address, status) for done, address, status, _ in self.answers if done == what)
        return {address for address, status in mine if is_yes(status)}

    def go_on(self):
        """Wait until so many more were answered, the last of them with yes."""
        enough = len(self.answers) + 40
        wait_until(lambda: len(self.answers) >= enough and is_yes(self.answers[-1][2]))


def is_yes(status):
    return status in (200, 302, 303)


def test_it_may_end_at_any_moment_and_nothing_is_lost(
    app, settings, server, sink, cast, working, verdict, full
):
    crashes = 10 if full else 3
    verdict.about("R8", crashes=crashes)
    verdict.database = "postgresql"
    ann = cast.account("Ann")
    cast.organization(ann)
    with Visitors(app, sessions.open_session(ann)) as visitors:
        db.session.remove()
        for _ in range(crashes):
            visitors.go_on()
            server.crash(away=0.5)
        visitors.go_on()
    settings.clock_offset = LEASE.total_seconds() + 1
    wait_until(lambda: not unfinished())

    statuses = visitors.statuses()
    assert statuses[503], "nobody noticed"
    assert set(filter(is_yes, statuses)) | {503} == set(statuses), "neither yes nor 503"
    assert all("Retry-After" in more for _, _, status, more in visitors.answers if status == 503)
    invited = Counter(db.session.scalars(db.select(Invitation.email_key)))
    signed_up = Counter(db.session.scalars(db.select(SignUp.email_key)))
    assert visitors.told_yes(visitors.invite) <= invited.keys(), "said yes, and lost it"
    assert visitors.told_yes(visitors.sign_up) <= signed_up.keys(), "said yes, and lost it"
    assert set((invited + signed_up - Counter(["ann@acme.test"])).values()) == {1}
    arrived = {recipient for [recipient] in sink.recipients}
    assert invited.keys() | signed_up.keys() - {"ann@acme.test"} <= arrived
    verdict.holds(answers=len(visitors.answers), unavailable=statuses[503], lost=0, errors=0)


def unfinished():
    db.session.rollback()
    return outbox.due() or db.session.scalar(
        db.select(Letter.id).filter_by(state="sending").limit(1)
    )


def wait_until(so):
    ending = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < ending, "waited in vain"
        time.sleep(0.1)
