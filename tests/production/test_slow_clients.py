"""Those who send or read slowly, on purpose or from a bad line, in front of the Procfile's web."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import psycopg
import pytest
from databases import settings_in
from people import Cast
from procfile import PASSWORD, Production, answers, free_port, wait_for

from web.downloads import AT_ONCE, OF_ONE
from web.patience import THREADS
from workflows.engine.app import bare_app
from workflows.engine.db import db

HERE = "127.0.0.1"
BIG = "/repo/main/noarch/big-1.0-0.conda"
SIZE = 24 * 1024 * 1024


class Stage:
    """The web process, two people with tokens, and a large package."""

    def __init__(self, folder, database, log):
        self.port = free_port()
        self.url = f"http://{HERE}:{self.port}"
        self.package = folder / "repo" / BIG.removeprefix("/repo/")
        self.package.parent.mkdir(parents=True)
        self.package.write_bytes(bytes(range(256)) * (SIZE // 256))
        self.service = Production(
            {
                "PORT": str(self.port), "BASE_URL": self.url, "DATABASE_URL": database,
                "SECRET_KEY": "a key for tests, long enough to be one",
                "REDIS_URL": f"redis://{HERE}:{free_port()}",
                "SMTP_URL": f"smtp://{HERE}:{free_port()}", "MAIL_FROM": "usher@acme.example",
                "REPO_DIR": str(folder / "repo"),
            },
            log,
        )  # fmt: skip
        self.service.run("release")
        self.ann, self.bo = self.tokens_in(folder, database)
        self.service.start("web")
        wait_for(lambda: answers(f"{self.url}/healthz"), "the web process")

    def tokens_in(self, folder, database):
        app = bare_app(settings_in(folder, database))
        with app.app_context():
            cast = Cast()
            ada = cast.account("Ada")
            acme = cast.organization(ada, seats=3)
            secrets = [cast.secret(cast.seated(acme, name, by=ada)) for name in ("Ann", "Bo")]
            db.session.remove()
            db.engine.dispose()
        return secrets

    def get(self, path, token=None):
        """Status, headers and body, however it went."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            request = urllib.request.Request(self.url + path, headers=headers)
            answer = urllib.request.urlopen(request, timeout=25)  # sooner than slow ones are left
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read()

    def line(self, sent):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(20)
        line.connect((HERE, self.port))
        line.sendall(sent)
        return line

    @contextmanager
    def who_read_slowly(self, token, number):
        """Clients that have the beginning of the package and read no more of it."""
        ask = f"GET {BIG} HTTP/1.1\r\nHost: {HERE}\r\nAuthorization: Bearer {token}\r\n\r\n"
        with ExitStack() as lines:
            for _ in range(number):
                begun = wait_for(lambda: self.begun(ask), "a share that is free again")
                lines.enter_context(begun)
            yield

    def begun(self, ask):
        """The line of a download that has begun; None while too many are running."""
        line = self.line(ask.encode())
        if line.recv(100).startswith(b"HTTP/1.1 200"):
            return line
        line.close()
        return None

    @contextmanager
    def who_send_slowly(self, number):
        """Clients with the beginning of a form, whose end does not come."""
        head = f"POST /login HTTP/1.1\r\nHost: {HERE}\r\nContent-Length: 5000\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
        with ExitStack() as lines:
            for _ in range(number):
                lines.enter_context(self.line((head + form).encode()))
            yield

    def memory(self):
        """What the processes of the service hold in memory, in KiB."""
        [process] = self.service.running.values()
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(process.pid)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return sum(int(one) for one in listed.stdout.split())

    def sign_up(self, email):
        """The bytes of a sign-up as a browser sends them, the address last."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        answer = browser.open(f"{self.url}/signup", timeout=120)
        csrf_token = re.search(r'name="csrf_token" value="([^"]+)"', answer.read().decode())[1]
        form = {"csrf_token": csrf_token, "name": "Eve", "password": PASSWORD, "email": email}
        body = urllib.parse.urlencode(form)
        return (
            f"POST /signup HTTP/1.1\r\nHost: {HERE}\r\nConnection: close\r\n"
            f"Cookie: {answer.headers['Set-Cookie'].partition(';')[0]}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def asked_to_sign_up(self):
        with psycopg.connect(self.service.environment["DATABASE_URL"]) as connection:
            return {email for (email,) in connection.execute("SELECT email FROM sign_ups")}


@pytest.fixture(scope="module")
def stage(tmp_path_factory, postgresql):
    folder = tmp_path_factory.mktemp("slow")
    with (folder / "log.txt").open("w+") as log:
        stage = Stage(folder, postgresql.create("slow_clients"), log)
        try:
            yield stage
        finally:
            for name in list(stage.service.running):
                stage.service.end(name)
        log.seek(0)
        assert "Traceback" not in log.read()


def everybody_else_is_served(stage):
    for path in ("/login", "/healthz", "/static/usher.css"):
        assert stage.get(path)[0] == 200
    assert stage.get("/gate", stage.bo)[0] == 204
    return stage.get(BIG, stage.bo)[2] == stage.package.read_bytes()


def test_those_who_read_slowly_hold_up_neither_pages_nor_the_gate_nor_downloads(stage):
    with stage.who_read_slowly(stage.ann, number=3 * THREADS):
        assert everybody_else_is_served(stage)
        assert stage.get(BIG, stage.ann)[0] == 200


def test_one_person_has_a_share_of_the_downloads_and_gets_it_back(stage):
    with stage.who_read_slowly(stage.ann, number=OF_ONE):
        status, headers, text = stage.get(BIG, stage.ann)
        assert everybody_else_is_served(stage)

    assert (status, headers["Retry-After"]) == (503, "5")
    assert text.startswith(b"Too many downloads are running.")
    wait_for(lambda: stage.get(BIG, stage.ann)[0] == 200, "the share to be free again")


def test_of_a_slow_download_little_waits_in_memory(stage):
    """Less than a MiB of each, where the file has 24."""
    stage.get(BIG, stage.ann)
    before = stage.memory()

    with stage.who_read_slowly(stage.ann, number=OF_ONE):
        time.sleep(1)
        grown = stage.memory() - before

    assert grown < OF_ONE * 1024


def test_those_who_send_slowly_hold_up_nobody_not_even_an_honest_one_with_a_bad_line(stage, full):
    sent, seconds = stage.sign_up("slow.phone@acme.example"), 20 if full else 5
    pieces = [sent[i : i + 40] for i in range(0, len(sent), 40)]

    with stage.who_send_slowly(number=50), stage.line(pieces[0]) as phone:
        for piece in pieces[1:]:
            time.sleep(seconds / len(pieces))
            phone.sendall(piece)
        answer = phone.makefile("rb").read()
        assert everybody_else_is_served(stage)

    assert answer.startswith(b"HTTP/1.1 303")
    assert "slow.phone@acme.example" in stage.asked_to_sign_up()


def test_a_form_that_breaks_off_does_nothing(stage):
    """What arrived of it would read eve@acme.exam, somebody else's address."""
    sent = stage.sign_up("eve@acme.example")

    stage.line(sent[:-3]).close()
    with stage.line(stage.sign_up("later@acme.example")) as line:
        assert line.makefile("rb").read().startswith(b"HTTP/1.1 303")

    assert not {email for email in stage.asked_to_sign_up() if email.startswith("eve@")}


def test_a_package_that_is_replaced_or_grows_during_a_download_comes_as_it_was_or_not_at_all(stage):
    old = stage.package.read_bytes()
    ask = f"GET {BIG} HTTP/1.1\r\nHost: {HERE}\r\nAuthorization: Bearer {stage.bo}\r\n\r\n"
    after = f"GET /gate HTTP/1.1\r\nHost: {HERE}\r\nConnection: close\r\n\r\n"

    with stage.line(ask.encode()) as line:
        reader = line.makefile("rb")
        length = int(re.search(rb"content-length: (\d+)", _head(reader))[1])
        with stage.package.open("ab") as file:
            file.write(b"x" * 100_000)
        new = stage.package.with_suffix(".new")
        new.write_bytes(b"new")
        new.replace(stage.package)
        body = reader.read(length)
        line.sendall(after.encode())
        rest = _head(reader)
    stage.package.write_bytes(old)

    assert body == old
    assert rest.startswith(b"HTTP/1.1 401")


def _head(reader):
    return b"".join(iter(reader.readline, b"\r\n"))


def test_it_ends_while_somebody_reads_slowly(stage):
    with stage.who_read_slowly(stage.ann, number=3):
        stage.service.end("web")

    stage.service.start("web")
    wait_for(lambda: answers(f"{stage.url}/healthz"), "the web process")


def test_half_of_the_connections_stay_free_of_downloads():
    connections = re.search(r"--backpressure (\d+)", Path("Procfile").read_text())

    assert int(connections[1]) == 2 * AT_ONCE
