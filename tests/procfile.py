"""The Procfile's processes, run as they are in production, and a visitor to what they serve."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSWORD = "correct horse battery staple"


class Sink:
    """A mail server that keeps what it takes."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 OK"


class Production:
    """Every line of the Procfile as a process, on an environment of its own."""

    def __init__(self, environment, log):
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            **environment,
        }
        lines = (ROOT / "Procfile").read_text().splitlines()
        self.commands = dict(re.match(r"(\w+): (.*)", line).groups() for line in lines)
        self.log = log
        self.running, self.own = {}, {}

    def run(self, name):
        subprocess.run(
            self.commands[name], shell=True, check=True, cwd=ROOT, env=self.environment,
            stdout=self.log, stderr=self.log, timeout=300,
        )  # fmt: skip

    def start(self, name, **environment):
        """`web2` is another `web`; what it has of its own stays with it when it starts again."""
        own = self.own.setdefault(name, environment)
        self.running[name] = subprocess.Popen(
            "exec " + self.commands[name.rstrip("0123456789")], shell=True, cwd=ROOT,
            env=self.environment | own,
            stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip

    def end(self, name, by=signal.SIGTERM):
        process = self.running.pop(name)
        os.killpg(process.pid, by)
        process.wait(timeout=120)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=120).status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for(question, what, seconds=180):
    ending = time.monotonic() + seconds
    while time.monotonic() < ending:
        if answer := question():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited in vain for {what}")


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


class Browser:
    """Somebody at the pages of a running service, without a screen."""

    def __init__(self, url):
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def ask(self, path, **form):
        """Status, headers and text, however it went."""
        sent = urllib.parse.urlencode(form, doseq=True).encode() if form else None
        try:
            answer = self.opener.open(self.url + path, sent, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode()

    def send(self, path, **typed):
        """Fill in the form of a page, and send it with all that is in it unseen."""
        page = self.ask(path)[2].partition("<main")[2]
        unseen = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
        form = {}
        for name, value in unseen:
            form.setdefault(name, []).append(unescape(value))
        return self.ask(urllib.parse.urlsplit(path).path, **form, **typed)

    def sign_up(self, email):
        return self.send("/signup", name="Ann", email=email, password=PASSWORD)

    def log_in(self, email):
        return self.send("/login", email=email, password=PASSWORD)


def sign_up(production, email):
    """What a browser does with the sign-up page."""
    return Browser(production.environment["BASE_URL"]).sign_up(email)
