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


def sign_up(production, email):
    """What a browser does with the sign-up page."""
    url = production.environment["BASE_URL"] + "/signup"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(url, timeout=120).read().decode()
    form = {
        "csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1],
        "name": "Ann",
        "email": email,
        "password": PASSWORD,
    }
    return browser.open(url, urllib.parse.urlencode(form).encode(), timeout=120)
